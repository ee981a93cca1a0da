--
-- PostgreSQL database dump
--


-- Dumped from database version 18.4
-- Dumped by pg_dump version 18.4

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: voicereg_grams(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.voicereg_grams(value text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ DECLARE letters text[] := string_to_array(value, NULL); BEGIN RETURN letters || ARRAY(SELECT unnest(ARRAY[first || second, first || second || third]) FROM unnest(letters, letters[2:], letters[3:]) AS following (first, second, third) WHERE second IS NOT NULL); END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: absences; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.absences (
    voice text NOT NULL,
    since timestamp with time zone NOT NULL,
    listings integer NOT NULL,
    CONSTRAINT ck_absences_listings CHECK ((listings >= 1))
);


--
-- Name: accounts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.accounts (
    id integer NOT NULL,
    name text NOT NULL,
    region text NOT NULL,
    workspace text,
    base_url text,
    api_key_env text NOT NULL,
    quota_group_id integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);


--
-- Name: accounts_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.accounts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: accounts_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.accounts_id_seq OWNED BY public.accounts.id;


--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: aliases; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.aliases (
    account_id integer NOT NULL,
    name text NOT NULL,
    voice text NOT NULL,
    updated_at timestamp with time zone NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    account text,
    voice text,
    before json,
    after json,
    reason text
);


--
-- Name: events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: events_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;


--
-- Name: leases; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.leases (
    name text NOT NULL,
    token text NOT NULL,
    holder text NOT NULL,
    place text,
    taken_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_leases_expires_at CHECK ((expires_at >= taken_at))
);


--
-- Name: messages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.messages (
    id text NOT NULL,
    channel text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    outcome text,
    error text,
    items json NOT NULL,
    CONSTRAINT ck_messages_outcome CHECK (((outcome IS NULL) OR (outcome = ANY (ARRAY['sent'::text, 'failed'::text, 'unknown'::text])))),
    CONSTRAINT ck_messages_settled_at CHECK (((outcome IS NULL) = (settled_at IS NULL)))
);


--
-- Name: quota_groups; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.quota_groups (
    id integer NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: quota_groups_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.quota_groups_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: quota_groups_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.quota_groups_id_seq OWNED BY public.quota_groups.id;


--
-- Name: quota_limits; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.quota_limits (
    quota_group_id integer NOT NULL,
    family text NOT NULL,
    slots integer NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    unseen integer DEFAULT 0 NOT NULL,
    refused_at timestamp with time zone,
    surplus integer DEFAULT 0 NOT NULL,
    CONSTRAINT ck_quota_limits_family CHECK ((family = ANY (ARRAY['cosyvoice'::text, 'qwen-tts'::text]))),
    CONSTRAINT ck_quota_limits_refused_at CHECK (((unseen = 0) OR (refused_at IS NOT NULL))),
    CONSTRAINT ck_quota_limits_slots CHECK ((slots >= 0)),
    CONSTRAINT ck_quota_limits_unseen CHECK (((unseen >= 0) AND (surplus >= 0)))
);


--
-- Name: rounds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.rounds (
    id bigint NOT NULL,
    holder text NOT NULL,
    due_at timestamp with time zone,
    missed integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    ok boolean,
    CONSTRAINT ck_rounds_finished_at CHECK (((finished_at IS NULL) = (ok IS NULL))),
    CONSTRAINT ck_rounds_missed CHECK (((missed >= 0) AND ((missed = 0) OR (due_at IS NOT NULL))))
);


--
-- Name: rounds_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.rounds_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: rounds_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.rounds_id_seq OWNED BY public.rounds.id;


--
-- Name: step_states; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.step_states (
    name text NOT NULL,
    account text NOT NULL,
    tried_at timestamp with time zone NOT NULL,
    good_at timestamp with time zone,
    error text,
    CONSTRAINT ck_step_states_error CHECK (((error IS NOT NULL) OR (good_at IS NOT NULL)))
);


--
-- Name: sync_states; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sync_states (
    account_id integer NOT NULL,
    family text NOT NULL,
    tried_at timestamp with time zone NOT NULL,
    synced_at timestamp with time zone,
    problem text,
    surplus integer DEFAULT 0 NOT NULL,
    CONSTRAINT ck_sync_states_family CHECK ((family = ANY (ARRAY['cosyvoice'::text, 'qwen-tts'::text]))),
    CONSTRAINT ck_sync_states_problem CHECK (((problem IS NOT NULL) OR (synced_at IS NOT NULL)))
);


--
-- Name: unclaimed_uses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.unclaimed_uses (
    voice_id text NOT NULL,
    day date NOT NULL,
    source text NOT NULL,
    uses bigint NOT NULL,
    last_used_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_unclaimed_uses_uses CHECK ((uses >= 1))
);


--
-- Name: use_files; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.use_files (
    digest text NOT NULL,
    size_bytes bigint NOT NULL,
    read_at timestamp with time zone NOT NULL
);


--
-- Name: use_writers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.use_writers (
    writer text NOT NULL,
    batch bigint NOT NULL,
    written_at timestamp with time zone NOT NULL
);


--
-- Name: voice_previews; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.voice_previews (
    voice text NOT NULL,
    data bytea NOT NULL,
    response_format text NOT NULL,
    sample_rate integer,
    kept_at timestamp with time zone NOT NULL
);


--
-- Name: voice_tags; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.voice_tags (
    voice text NOT NULL,
    key text NOT NULL,
    value text NOT NULL
);


--
-- Name: voice_texts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.voice_texts (
    id bigint NOT NULL,
    voice text NOT NULL,
    text text NOT NULL
);


--
-- Name: voice_texts_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.voice_texts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: voice_texts_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.voice_texts_id_seq OWNED BY public.voice_texts.id;


--
-- Name: voice_uses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.voice_uses (
    voice text NOT NULL,
    day date NOT NULL,
    source text NOT NULL,
    uses bigint NOT NULL,
    CONSTRAINT ck_voice_uses_uses CHECK ((uses >= 1))
);


--
-- Name: voices; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.voices (
    id text NOT NULL,
    account_id integer NOT NULL,
    quota_group_id integer NOT NULL,
    family text NOT NULL,
    voice_id text,
    target_model text,
    origin text NOT NULL,
    state text NOT NULL,
    state_reason text,
    name text NOT NULL,
    prompt text,
    preview_text text,
    language text,
    sample_rate integer,
    response_format text,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    last_used_source text,
    deadline_at timestamp with time zone NOT NULL,
    deadline_basis text NOT NULL,
    pinned boolean NOT NULL,
    owner text,
    note text,
    replaces text,
    request_id text,
    lease_holder text,
    lease_expires_at timestamp with time zone,
    delete_asked_at timestamp with time zone,
    state_before_delete text,
    gone_at timestamp with time zone,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT ck_voices_deadline_at CHECK ((deadline_at > created_at)),
    CONSTRAINT ck_voices_deadline_basis CHECK ((deadline_basis = ANY (ARRAY['used'::text, 'created'::text, 'estimated'::text]))),
    CONSTRAINT ck_voices_delete_intent CHECK ((((state = 'deleting'::text) = (delete_asked_at IS NOT NULL)) AND ((delete_asked_at IS NULL) = (state_before_delete IS NULL)))),
    CONSTRAINT ck_voices_family CHECK ((family = ANY (ARRAY['cosyvoice'::text, 'qwen-tts'::text]))),
    CONSTRAINT ck_voices_gone_at CHECK (((state = ANY (ARRAY['deleted'::text, 'expired'::text, 'failed'::text, 'lost'::text])) = (gone_at IS NOT NULL))),
    CONSTRAINT ck_voices_lease CHECK ((((state = 'creating'::text) = (lease_holder IS NOT NULL)) AND ((lease_holder IS NULL) OR (lease_expires_at IS NOT NULL)) AND ((lease_expires_at IS NULL) OR (state = ANY (ARRAY['creating'::text, 'unresolved'::text]))))),
    CONSTRAINT ck_voices_origin CHECK ((origin = ANY (ARRAY['designed'::text, 'cloned'::text]))),
    CONSTRAINT ck_voices_state CHECK ((state = ANY (ARRAY['creating'::text, 'unresolved'::text, 'pending'::text, 'active'::text, 'rejected'::text, 'deleting'::text, 'missing'::text, 'failed'::text, 'deleted'::text, 'expired'::text, 'lost'::text]))),
    CONSTRAINT ck_voices_target_model CHECK (((target_model IS NOT NULL) OR (deadline_basis <> 'created'::text))),
    CONSTRAINT ck_voices_used_deadline CHECK (((deadline_basis <> 'used'::text) OR (last_used_at IS NOT NULL))),
    CONSTRAINT ck_voices_voice_id CHECK (((voice_id IS NOT NULL) OR (state = ANY (ARRAY['creating'::text, 'failed'::text, 'unresolved'::text]))))
);


--
-- Name: warnings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.warnings (
    channel text NOT NULL,
    account_id integer NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    grade integer NOT NULL,
    told_at timestamp with time zone NOT NULL,
    uncertain text,
    CONSTRAINT ck_warnings_kind CHECK ((kind = ANY (ARRAY['keep_alive'::text, 'deadline'::text, 'gone'::text, 'quota'::text, 'retiring'::text, 'unresolved'::text, 'rejected'::text]))),
    CONSTRAINT ck_warnings_uncertain CHECK (((uncertain IS NULL) OR (uncertain = ANY (ARRAY['warning'::text, 'all_clear'::text]))))
);


--
-- Name: accounts id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.accounts ALTER COLUMN id SET DEFAULT nextval('public.accounts_id_seq'::regclass);


--
-- Name: events id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);


--
-- Name: quota_groups id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quota_groups ALTER COLUMN id SET DEFAULT nextval('public.quota_groups_id_seq'::regclass);


--
-- Name: rounds id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rounds ALTER COLUMN id SET DEFAULT nextval('public.rounds_id_seq'::regclass);


--
-- Name: voice_texts id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_texts ALTER COLUMN id SET DEFAULT nextval('public.voice_texts_id_seq'::regclass);


--
-- Data for Name: absences; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.absences VALUES ('ac4fks3h5h89', '2026-11-27 00:02:43.040578+00', 1);
INSERT INTO public.absences VALUES ('f3bsvjab4rm0', '2026-11-26 22:10:00+00', 3);


--
-- Data for Name: accounts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.accounts VALUES (1, 'default', 'cn-beijing', NULL, 'https://gateway.example/api/v1', 'DASHSCOPE_API_KEY', 1, '2026-11-23 06:04:41.585804+00', '2026-11-23 14:07:13.120034+00');
INSERT INTO public.accounts VALUES (2, 'newsroom', 'cn-beijing', NULL, NULL, 'NEWSROOM_KEY', 1, '2026-11-23 14:07:13.120034+00', '2026-11-23 14:07:13.120034+00');
INSERT INTO public.accounts VALUES (3, 'studio', 'ap-southeast-1', 'ws-7f3a', NULL, 'STUDIO_KEY', 2, '2026-11-23 14:07:13.120034+00', '2026-11-23 14:07:13.120034+00');


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.alembic_version VALUES ('0005');


--
-- Data for Name: aliases; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.aliases VALUES (1, 'evening-news', 'pch4a0t58pw3', '2026-12-01 16:20:00.75+00');
INSERT INTO public.aliases VALUES (1, '晚间新闻', 'pch4a0t58pw3', '2026-11-30 09:05:31.12+00');
INSERT INTO public.aliases VALUES (1, 'narrator', 'w7nm5gwwnky3', '2026-11-30 09:06:02.004+00');
INSERT INTO public.aliases VALUES (1, '有声书', 'ac4fks3h5h89', '2026-11-30 09:06:40.999999+00');
INSERT INTO public.aliases VALUES (2, 'narrator', 'h1eka9few9rw', '2026-11-30 09:08:15.330033+00');
INSERT INTO public.aliases VALUES (2, '主播', 'd5mq0zt3krb8', '2026-11-30 09:09:00+00');
INSERT INTO public.aliases VALUES (2, 'news/trailer@v2', 'm4xw7r2vq9ed', '2026-11-30 09:13:20.515151+00');


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.events VALUES (1, '2026-11-23 14:07:13.120034+00', 'lin@studio-1 (cli)', 'account.add', 'newsroom', NULL, '{}', '{"region": "cn-beijing", "workspace": null, "base_url": null, "api_key_env": "NEWSROOM_KEY", "quota_group": "default", "limits": {"cosyvoice": 1000, "qwen-tts": 1000}}', NULL);
INSERT INTO public.events VALUES (2, '2026-11-23 14:07:13.120034+00', 'lin@studio-1 (cli)', 'account.add', 'studio', NULL, '{}', '{"region": "ap-southeast-1", "workspace": "ws-7f3a", "base_url": null, "api_key_env": "STUDIO_KEY", "quota_group": "studio", "limits": {"cosyvoice": 1000, "qwen-tts": 5}}', NULL);
INSERT INTO public.events VALUES (3, '2026-11-23 14:07:13.120034+00', 'lin@studio-1 (cli)', 'account.edit', 'default', NULL, '{"base_url": null, "limits": {"cosyvoice": 1000, "qwen-tts": 1000}}', '{"base_url": "https://gateway.example/api/v1", "limits": {"cosyvoice": 900, "qwen-tts": 1000}}', NULL);
INSERT INTO public.events VALUES (4, '2026-11-23 19:14:26.240068+00', 'lin@studio-1 (cli)', 'voice.create', 'default', 'pch4a0t58pw3', '{}', '{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "xinwen", "prompt": "\u6c89\u7a33\u7684\u4e2d\u5e74\u7537\u6027\u64ad\u97f3\u5458\uff0c\u97f3\u8272\u4f4e\u6c89\u6d51\u539a\uff0c\u8bed\u901f\u5e73\u7a33\uff0c\u5410\u5b57\u6e05\u6670\u3002\n\u9002\u5408\u65b0\u95fb\u64ad\u62a5\uff1b\u4e0d\u5e26\u201c\u53e3\u97f3\u201d\u3002", "preview_text": "\u5404\u4f4d\u542c\u4f17\u670b\u53cb\uff0c\u5927\u5bb6\u597d\uff0c\u6b22\u8fce\u6536\u542c\u665a\u95f4\u65b0\u95fb\u3002", "language": "zh", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-23T19:14:26.240068Z", "deadline_at": "2027-11-23T19:14:26.240068Z", "deadline_basis": "created", "pinned": true, "owner": "\u6797", "note": "\u4e3b\u64ad\uff1a\u201c\u665a\u95f4\u65b0\u95fb\u201d\n\u52ff\u5220", "tags": {"\u56e2\u961f": "\u65b0\u95fb", "use": "evening news"}}', NULL);
INSERT INTO public.events VALUES (5, '2026-11-23 19:14:26.240068+00', 'lin@studio-1 (cli)', 'voice.confirm', 'default', 'pch4a0t58pw3', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "pending", "voice_id": "cosyvoice-v3.5-plus-vd-xinwen-11aa22bb33cc44dd", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000046"}', NULL);
INSERT INTO public.events VALUES (6, '2026-11-23 19:14:26.240068+00', 'lin@studio-1 (cli)', 'voice.review', 'default', 'pch4a0t58pw3', '{"state": "pending"}', '{"state": "active"}', NULL);
INSERT INTO public.events VALUES (7, '2026-11-24 00:21:39.360102+00', 'lin@studio-1 (cli)', 'voice.create', 'newsroom', 'rncseb5h2crx', '{}', '{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "announcer", "prompt": "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.", "preview_text": "Dear listeners, hello everyone. Welcome to the evening news.", "sample_rate": 16000, "response_format": "pcm", "created_at": "2026-11-24T00:21:39.360102Z", "deadline_at": "2027-11-24T00:21:39.360102Z", "deadline_basis": "created", "tags": {"team": "news"}}', NULL);
INSERT INTO public.events VALUES (8, '2026-11-24 00:21:39.360102+00', 'lin@studio-1 (cli)', 'voice.confirm', 'newsroom', 'rncseb5h2crx', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "pending", "voice_id": "cosyvoice-v3.5-plus-vd-announcer-22bb", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000037"}', NULL);
INSERT INTO public.events VALUES (9, '2026-11-24 05:28:52.480136+00', 'lin@studio-1 (cli)', 'voice.create', 'default', 'yefkbrhvhfgf', '{}', '{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "xinwen", "prompt": "\u6c89\u7a33\u7684\u4e2d\u5e74\u7537\u6027\u64ad\u97f3\u5458\uff0c\u97f3\u8272\u4f4e\u6c89\u6d51\u539a\uff0c\u8bed\u901f\u5e73\u7a33\uff0c\u5410\u5b57\u6e05\u6670\u3002\n\u9002\u5408\u65b0\u95fb\u64ad\u62a5\uff1b\u4e0d\u5e26\u201c\u53e3\u97f3\u201d\u3002", "preview_text": "\u5404\u4f4d\u542c\u4f17\u670b\u53cb\uff0c\u5927\u5bb6\u597d\uff0c\u6b22\u8fce\u6536\u542c\u665a\u95f4\u65b0\u95fb\u3002", "language": "zh", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-24T05:28:52.480136Z", "deadline_at": "2027-11-24T05:28:52.480136Z", "deadline_basis": "created", "note": "O''Brien''s \\ 100% \"sure\""}', NULL);
INSERT INTO public.events VALUES (10, '2026-11-24 05:28:52.480136+00', 'lin@studio-1 (cli)', 'voice.confirm', 'default', 'yefkbrhvhfgf', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "pending", "voice_id": "cosyvoice-v3.5-plus-vd-xinwen-33cc", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000034"}', NULL);
INSERT INTO public.events VALUES (11, '2026-11-24 05:28:52.480136+00', 'lin@studio-1 (cli)', 'voice.review', 'default', 'yefkbrhvhfgf', '{"state": "pending"}', '{"state": "rejected"}', NULL);
INSERT INTO public.events VALUES (12, '2026-11-24 10:36:05.60017+00', 'lin@studio-1 (cli)', 'voice.create', 'default', 'cn7pgzrtqk32', '{}', '{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "announcer", "prompt": "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.", "preview_text": "Dear listeners, hello everyone. Welcome to the evening news.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-24T10:36:05.600170Z", "deadline_at": "2027-11-24T10:36:05.600170Z", "deadline_basis": "created", "owner": "wang", "tags": {"team": "news"}}', NULL);
INSERT INTO public.events VALUES (13, '2026-11-24 15:43:18.720204+00', 'lin@studio-1 (cli)', 'voice.create', 'default', 'f3bsvjab4rm0', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-24T15:43:18.720204Z", "deadline_at": "2027-11-24T15:43:18.720204Z", "deadline_basis": "created", "tags": {"team": "books"}}', NULL);
INSERT INTO public.events VALUES (14, '2026-11-24 15:43:18.720204+00', 'lin@studio-1 (cli)', 'voice.unresolved', 'default', 'f3bsvjab4rm0', '{"state": "creating", "state_reason": null}', '{"state": "unresolved", "state_reason": "the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)"}', 'the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)');
INSERT INTO public.events VALUES (15, '2026-11-24 20:50:31.840238+00', 'lin@studio-1 (cli)', 'voice.create', 'newsroom', 'yb9anqdb2ynx', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-24T20:50:31.840238Z", "deadline_at": "2027-11-24T20:50:31.840238Z", "deadline_basis": "created"}', NULL);
INSERT INTO public.events VALUES (16, '2026-11-24 20:50:31.840238+00', 'lin@studio-1 (cli)', 'voice.fail', 'newsroom', 'yb9anqdb2ynx', '{"state": "creating", "state_reason": null, "request_id": null, "gone_at": null}', '{"state": "failed", "state_reason": "the provider does not take a value (InvalidParameter, HTTP 400, request r-1): prompt is not allowed", "request_id": "r-1", "gone_at": "2026-11-24T20:50:31.840238Z"}', 'the provider does not take a value (InvalidParameter, HTTP 400, request r-1): prompt is not allowed');
INSERT INTO public.events VALUES (17, '2026-11-25 01:57:44.960272+00', '王@newsroom-2 (library)', 'voice.create', 'studio', 'sca3bfvefsrn', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator0", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T01:57:44.960272Z", "deadline_at": "2027-11-25T01:57:44.960272Z", "deadline_basis": "created"}', NULL);
INSERT INTO public.events VALUES (18, '2026-11-25 01:57:44.960272+00', '王@newsroom-2 (library)', 'voice.confirm', 'studio', 'sca3bfvefsrn', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611200900-0000", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}', NULL);
INSERT INTO public.events VALUES (19, '2026-11-25 07:04:58.080306+00', '王@newsroom-2 (library)', 'voice.create', 'studio', 'byhg1pcgv6e5', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator1", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T07:04:58.080306Z", "deadline_at": "2027-11-25T07:04:58.080306Z", "deadline_basis": "created", "tags": {"series": "1"}}', NULL);
INSERT INTO public.events VALUES (20, '2026-11-25 07:04:58.080306+00', '王@newsroom-2 (library)', 'voice.confirm', 'studio', 'byhg1pcgv6e5', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611210900-0001", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}', NULL);
INSERT INTO public.events VALUES (21, '2026-11-25 12:12:11.20034+00', '王@newsroom-2 (library)', 'voice.create', 'default', 'ac4fks3h5h89', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator2", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T12:12:11.200340Z", "deadline_at": "2027-11-25T12:12:11.200340Z", "deadline_basis": "created"}', NULL);
INSERT INTO public.events VALUES (22, '2026-11-25 12:12:11.20034+00', '王@newsroom-2 (library)', 'voice.confirm', 'default', 'ac4fks3h5h89', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611220900-0002", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}', NULL);
INSERT INTO public.events VALUES (23, '2026-11-25 17:19:24.320374+00', '王@newsroom-2 (library)', 'voice.create', 'newsroom', 'x3mam2ex7ftd', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator3", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T17:19:24.320374Z", "deadline_at": "2027-11-25T17:19:24.320374Z", "deadline_basis": "created", "tags": {"series": "3"}}', NULL);
INSERT INTO public.events VALUES (24, '2026-11-25 17:19:24.320374+00', '王@newsroom-2 (library)', 'voice.confirm', 'newsroom', 'x3mam2ex7ftd', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611230900-0003", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}', NULL);
INSERT INTO public.events VALUES (25, '2026-11-25 22:26:37.440408+00', '王@newsroom-2 (library)', 'voice.create', 'newsroom', 'xg1qjg98rad3', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator4", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T22:26:37.440408Z", "deadline_at": "2027-11-25T22:26:37.440408Z", "deadline_basis": "created"}', NULL);
INSERT INTO public.events VALUES (26, '2026-11-25 22:26:37.440408+00', '王@newsroom-2 (library)', 'voice.confirm', 'newsroom', 'xg1qjg98rad3', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611240900-0004", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}', NULL);
INSERT INTO public.events VALUES (27, '2026-11-26 03:33:50.560442+00', '王@newsroom-2 (library)', 'voice.create', 'newsroom', 'h1eka9few9rw', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator5", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-26T03:33:50.560442Z", "deadline_at": "2027-11-26T03:33:50.560442Z", "deadline_basis": "created", "tags": {"series": "5"}}', NULL);
INSERT INTO public.events VALUES (28, '2026-11-26 03:33:50.560442+00', '王@newsroom-2 (library)', 'voice.confirm', 'newsroom', 'h1eka9few9rw', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611250900-0005", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}', NULL);
INSERT INTO public.events VALUES (29, '2026-11-26 08:41:03.680476+00', '王@newsroom-2 (library)', 'voice.create', 'default', 'w7nm5gwwnky3', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator6", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-26T08:41:03.680476Z", "deadline_at": "2027-11-26T08:41:03.680476Z", "deadline_basis": "created"}', NULL);
INSERT INTO public.events VALUES (30, '2026-11-26 08:41:03.680476+00', '王@newsroom-2 (library)', 'voice.confirm', 'default', 'w7nm5gwwnky3', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611260900-0006", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}', NULL);
INSERT INTO public.events VALUES (31, '2026-11-26 13:48:16.80051+00', 'lin@studio-1 (cli)', 'voice.delete.ask', 'studio', 'sca3bfvefsrn', '{"state": "active", "delete_asked_at": null, "state_before_delete": null}', '{"state": "deleting", "delete_asked_at": "2026-11-26T13:48:16.800510Z", "state_before_delete": "active"}', NULL);
INSERT INTO public.events VALUES (32, '2026-11-26 18:55:29.920544+00', 'lin@studio-1 (cli)', 'voice.delete.ask', 'studio', 'byhg1pcgv6e5', '{"state": "active", "delete_asked_at": null, "state_before_delete": null}', '{"state": "deleting", "delete_asked_at": "2026-11-26T18:55:29.920544Z", "state_before_delete": "active"}', NULL);
INSERT INTO public.events VALUES (33, '2026-11-26 18:55:29.920544+00', 'lin@studio-1 (cli)', 'voice.delete', 'studio', 'byhg1pcgv6e5', '{"state": "deleting", "delete_asked_at": "2026-11-26T18:55:29.920544Z", "state_before_delete": "active", "gone_at": null}', '{"state": "deleted", "delete_asked_at": null, "state_before_delete": null, "gone_at": "2026-11-26T18:55:29.920544Z"}', NULL);
INSERT INTO public.events VALUES (34, '2026-11-27 00:02:43.040578+00', 'lin@studio-1 (cli)', 'voice.edit', 'newsroom', 'x3mam2ex7ftd', '{"owner": null, "note": null, "tags": {"series": "3"}}', '{"owner": "\u5f20", "note": "\u5907\u7528", "tags": {"series": "3", "\u8bed\u6c14": "\u6e29\u67d4"}}', NULL);
INSERT INTO public.events VALUES (35, '2026-11-28 20:01:02.345678+00', '王@newsroom-2 (library)', 'voice.create', 'newsroom', 'k2v8hnw4xe61', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator7", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-28T20:01:02.345678Z", "deadline_at": "2027-11-28T20:01:02.345678Z", "deadline_basis": "created"}', NULL);
INSERT INTO public.events VALUES (36, '2026-11-28 20:03:02.4+00', '王@newsroom-2 (library)', 'voice.unresolved', 'newsroom', 'k2v8hnw4xe61', '{"state": "creating", "state_reason": null}', '{"state": "unresolved", "state_reason": "the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)"}', 'the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)');
INSERT INTO public.events VALUES (37, '2026-11-29 03:15:20.000001+00', 'lin@studio-1 (cli)', 'voice.create', 'studio', 't6c9sy1fjp70', '{}', '{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator8", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-29T03:15:20.000001Z", "deadline_at": "2027-11-29T03:15:20.000001Z", "deadline_basis": "created"}', NULL);
INSERT INTO public.events VALUES (38, '2026-11-29 03:15:21.04321+00', 'lin@studio-1 (cli)', 'voice.import', 'newsroom', 'd5mq0zt3krb8', '{}', '{"voice_id": "cosyvoice-v3.5-plus-zhubo-5e6f7a8b9c0d", "target_model": null, "origin": "cloned", "state": "active", "created_at": "2026-10-02T08:00:00.000000Z", "deadline_at": "2027-10-02T08:00:00.000000Z"}', 'listed by the provider, and on no record');
INSERT INTO public.events VALUES (39, '2026-11-29 03:15:21.04321+00', 'lin@studio-1 (cli)', 'sync', 'newsroom', NULL, '{}', '{"families": ["cosyvoice"], "complete": true, "started_at": "2026-11-29T03:15:07.500000Z", "finished_at": "2026-11-29T03:15:21.043210Z", "requests": 2, "listed": 2, "imported": 1, "refreshed": 0, "adopted": 0, "released": 0, "missing": 0, "gone": 0, "held_back": 0, "unresolved": 0, "any_day": 0}', NULL);
INSERT INTO public.events VALUES (40, '2026-11-29 03:15:21.04321+00', 'lin@studio-1 (cli)', 'sync', 'default', NULL, '{}', '{"families": ["cosyvoice", "qwen-tts"], "complete": false, "started_at": "2026-11-29T03:15:07.500000Z", "finished_at": "2026-11-29T03:15:21.043210Z", "requests": 3, "listed": 4, "imported": 0, "refreshed": 0, "adopted": 0, "released": 0, "missing": 0, "gone": 0, "held_back": 0, "unresolved": 1, "any_day": 0}', 'the listing of designed cosyvoice voices could not be read, and nothing of it was changed: the provider does not answer: “服务繁忙” (ServiceUnavailable, HTTP 503, request r-2)');
INSERT INTO public.events VALUES (41, '2026-11-29 03:15:21.04321+00', 'lin@studio-1 (cli)', 'sync', 'studio', NULL, '{}', '{"families": ["qwen-tts"], "complete": false, "started_at": "2026-11-29T03:15:07.500000Z", "finished_at": "2026-11-29T03:15:21.043210Z", "requests": 0, "listed": 0, "imported": 0, "refreshed": 0, "adopted": 0, "released": 0, "missing": 0, "gone": 0, "held_back": 0, "unresolved": 0, "any_day": 0}', 'the listing of designed qwen-tts voices could not be read, and nothing of it was changed: the provider does not accept the key in STUDIO_KEY (InvalidApiKey, HTTP 401, request r-3)');
INSERT INTO public.events VALUES (42, '2026-11-30 09:04:58.61+00', 'lin@studio-1 (cli)', 'alias.set', 'default', 'w7nm5gwwnky3', '{}', '{"alias": "evening-news", "voice": "w7nm5gwwnky3"}', NULL);
INSERT INTO public.events VALUES (43, '2026-11-30 09:05:31.12+00', 'lin@studio-1 (cli)', 'alias.set', 'default', 'pch4a0t58pw3', '{}', '{"alias": "\u665a\u95f4\u65b0\u95fb", "voice": "pch4a0t58pw3"}', NULL);
INSERT INTO public.events VALUES (44, '2026-11-30 09:06:02.004+00', 'lin@studio-1 (cli)', 'alias.set', 'default', 'w7nm5gwwnky3', '{}', '{"alias": "narrator", "voice": "w7nm5gwwnky3"}', NULL);
INSERT INTO public.events VALUES (45, '2026-11-30 09:06:40.999999+00', 'lin@studio-1 (cli)', 'alias.set', 'default', 'ac4fks3h5h89', '{}', '{"alias": "\u6709\u58f0\u4e66", "voice": "ac4fks3h5h89"}', NULL);
INSERT INTO public.events VALUES (46, '2026-11-30 09:08:15.330033+00', 'lin@studio-1 (cli)', 'alias.set', 'newsroom', 'h1eka9few9rw', '{}', '{"alias": "narrator", "voice": "h1eka9few9rw"}', NULL);
INSERT INTO public.events VALUES (47, '2026-11-30 09:09:00+00', 'lin@studio-1 (cli)', 'alias.set', 'newsroom', 'd5mq0zt3krb8', '{}', '{"alias": "\u4e3b\u64ad", "voice": "d5mq0zt3krb8"}', NULL);
INSERT INTO public.events VALUES (48, '2026-11-30 09:10:10.10101+00', 'lin@studio-1 (cli)', 'alias.set', 'newsroom', 'd5mq0zt3krb8', '{}', '{"alias": "zhubo", "voice": "d5mq0zt3krb8"}', NULL);
INSERT INTO public.events VALUES (49, '2026-11-30 09:10:48.200002+00', 'lin@studio-1 (cli)', 'alias.remove', 'newsroom', 'd5mq0zt3krb8', '{"alias": "zhubo", "voice": "d5mq0zt3krb8"}', '{}', NULL);
INSERT INTO public.events VALUES (50, '2026-11-30 09:12:44.318207+00', '王@newsroom-2 (library)', 'voice.create', 'newsroom', 'm4xw7r2vq9ed', '{}', '{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "trailer", "prompt": "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.", "preview_text": "Dear listeners, hello everyone. Welcome to the evening news.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-30T09:12:44.318207Z", "deadline_at": "2027-11-30T09:12:44.318207Z", "deadline_basis": "created"}', NULL);
INSERT INTO public.events VALUES (51, '2026-11-30 09:12:49.000512+00', '王@newsroom-2 (library)', 'voice.confirm', 'newsroom', 'm4xw7r2vq9ed', '{"state": "creating", "voice_id": null, "request_id": null}', '{"state": "active", "voice_id": "cosyvoice-v3.5-plus-vd-trailer-77aa88bb99cc00dd", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000051"}', NULL);
INSERT INTO public.events VALUES (52, '2026-11-30 09:13:20.515151+00', '王@newsroom-2 (library)', 'alias.set', 'newsroom', 'm4xw7r2vq9ed', '{}', '{"alias": "news/trailer@v2", "voice": "m4xw7r2vq9ed"}', NULL);
INSERT INTO public.events VALUES (53, '2026-12-01 16:20:00.75+00', 'lin@studio-1 (cli)', 'alias.set', 'default', 'pch4a0t58pw3', '{"alias": "evening-news", "voice": "w7nm5gwwnky3"}', '{"alias": "evening-news", "voice": "pch4a0t58pw3"}', NULL);
INSERT INTO public.events VALUES (54, '2026-12-05 03:15:17.25+00', 'lin@studio-1 (cli)', 'voice.missing', 'newsroom', 'm4xw7r2vq9ed', '{"state": "active", "state_reason": null}', '{"state": "missing", "state_reason": "the provider does not list it any more"}', 'the provider does not list it any more');
INSERT INTO public.events VALUES (55, '2026-12-05 03:15:17.25+00', 'lin@studio-1 (cli)', 'sync', 'newsroom', NULL, '{}', '{"families": ["cosyvoice"], "complete": true, "started_at": "2026-12-05T03:15:05.000000Z", "finished_at": "2026-12-05T03:15:17.250000Z", "requests": 2, "listed": 2, "imported": 0, "refreshed": 0, "adopted": 0, "released": 0, "missing": 1, "gone": 0, "held_back": 0, "unresolved": 0, "any_day": 0}', NULL);
INSERT INTO public.events VALUES (56, '2026-12-06 03:15:16.402118+00', 'lin@studio-1 (cli)', 'voice.gone', 'newsroom', 'm4xw7r2vq9ed', '{"state": "missing", "state_reason": "the provider does not list it any more", "gone_at": null}', '{"state": "lost", "state_reason": "not listed again, before its deadline", "gone_at": "2026-12-06T03:15:16.402118Z"}', 'not listed again, before its deadline');
INSERT INTO public.events VALUES (57, '2026-12-06 03:15:16.402118+00', 'lin@studio-1 (cli)', 'sync', 'newsroom', NULL, '{}', '{"families": ["cosyvoice", "qwen-tts"], "complete": true, "started_at": "2026-12-06T03:15:04.750000Z", "finished_at": "2026-12-06T03:15:16.402118Z", "requests": 5, "listed": 6, "imported": 0, "refreshed": 0, "adopted": 0, "released": 0, "missing": 0, "gone": 1, "held_back": 0, "unresolved": 1, "any_day": 0}', NULL);
INSERT INTO public.events VALUES (58, '2026-12-06 08:45:10.60606+00', 'lin@studio-1 (cli)', 'voice.use.correct', 'default', 'w7nm5gwwnky3', '{"last_used_at": "2026-12-05T06:00:00.000000Z", "last_used_source": "reader.py", "deadline_at": "2027-12-05T06:00:00.000000Z"}', '{"last_used_at": "2026-12-02T08:30:00.000000Z", "last_used_source": "newsroom", "deadline_at": "2027-12-02T08:30:00.000000Z"}', 'corrected by hand');
INSERT INTO public.events VALUES (59, '2027-11-21 08:45:10.60606+00', '王@newsroom-2', 'voice.keep-alive-failed', 'default', 'pch4a0t58pw3', '{}', '{}', 'no API key for account default: DASHSCOPE_API_KEY is not set');
INSERT INTO public.events VALUES (60, '2027-11-24 08:45:10.60606+00', '王@newsroom-2', 'voice.keep-alive-failed', 'default', 'pch4a0t58pw3', '{}', '{}', 'no API key for account default: DASHSCOPE_API_KEY is not set');


--
-- Data for Name: leases; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.leases VALUES ('schedule of housekeeping', 'yjfantyhmh5p', '王@newsroom-2', 'newsroom-2/4711', '2027-11-24 14:45:10.60606+00', '2027-11-24 14:45:55.60606+00');
INSERT INTO public.leases VALUES ('round of housekeeping', 'x52gj8pdkknq', '王@newsroom-2', 'newsroom-2/4711', '2027-11-28 14:45:10.60606+00', '2027-11-28 14:45:55.60606+00');


--
-- Data for Name: messages; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.messages VALUES ('e5jsm39fpm2n', '群', '2026-12-08 08:45:10.60606+00', '2026-12-08 08:45:10.60606+00', 'sent', NULL, '[{"account": "newsroom", "kind": "gone", "key": "x3mam2ex7ftd", "grade": 0, "news": "warning"}, {"account": "newsroom", "kind": "gone", "key": "xg1qjg98rad3", "grade": 0, "news": "warning"}, {"account": "newsroom", "kind": "gone", "key": "m4xw7r2vq9ed", "grade": 0, "news": "warning"}, {"account": "default", "kind": "unresolved", "key": "cn7pgzrtqk32", "grade": 0, "news": "warning"}, {"account": "default", "kind": "unresolved", "key": "f3bsvjab4rm0", "grade": 0, "news": "warning"}, {"account": "newsroom", "kind": "unresolved", "key": "k2v8hnw4xe61", "grade": 0, "news": "warning"}, {"account": "studio", "kind": "unresolved", "key": "t6c9sy1fjp70", "grade": 0, "news": "warning"}, {"account": "default", "kind": "rejected", "key": "yefkbrhvhfgf", "grade": 0, "news": "warning"}]');
INSERT INTO public.messages VALUES ('e4abdd80mh52', '群', '2027-10-14 08:45:10.60606+00', '2027-10-14 08:45:10.60606+00', 'sent', NULL, '[{"account": "newsroom", "kind": "deadline", "key": "d5mq0zt3krb8", "grade": 0, "news": "warning"}, {"account": "newsroom", "kind": "deadline", "key": "rncseb5h2crx", "grade": 60, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "ac4fks3h5h89", "grade": 60, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "w7nm5gwwnky3", "grade": 60, "news": "warning"}, {"account": "newsroom", "kind": "deadline", "key": "h1eka9few9rw", "grade": 60, "news": "warning"}]');
INSERT INTO public.messages VALUES ('d7z4myg06x27', '群', '2027-11-21 08:45:10.60606+00', '2027-11-21 08:45:10.60606+00', 'sent', NULL, '[{"account": "newsroom", "kind": "deadline", "key": "rncseb5h2crx", "grade": 3, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "ac4fks3h5h89", "grade": 7, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "w7nm5gwwnky3", "grade": 14, "news": "warning"}, {"account": "newsroom", "kind": "deadline", "key": "h1eka9few9rw", "grade": 14, "news": "warning"}, {"account": "default", "kind": "keep_alive", "key": "pch4a0t58pw3", "grade": -740306, "news": "warning"}]');
INSERT INTO public.messages VALUES ('h4ey4knpv0fg', 'mail', '2027-11-21 08:45:10.60606+00', '2027-11-21 08:45:10.60606+00', 'failed', 'channel mail did not take the message: Apprise cannot use it as a mailto:// URL: Invalid ~From~ email specified: voicereg <u@127.0.0.1>; Could not load E-Mail URL: mailto://u:p...p@1...1:9/?***...g', '[{"account": "default", "kind": "keep_alive", "key": "pch4a0t58pw3", "grade": -740306, "news": "warning"}]');
INSERT INTO public.messages VALUES ('z628aghk0pmy', '群', '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', 'sent', NULL, '[{"account": "newsroom", "kind": "deadline", "key": "rncseb5h2crx", "grade": 0, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "ac4fks3h5h89", "grade": 3, "news": "warning"}, {"account": "default", "kind": "keep_alive", "key": "pch4a0t58pw3", "grade": -740309, "news": "warning"}]');
INSERT INTO public.messages VALUES ('wy66c2v7ta9d', 'mail', '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', 'failed', 'channel mail did not take the message: Apprise cannot use it as a mailto:// URL: Invalid ~From~ email specified: voicereg <u@127.0.0.1>; Could not load E-Mail URL: mailto://u:p...p@1...1:9/?***...g', '[{"account": "default", "kind": "keep_alive", "key": "pch4a0t58pw3", "grade": -740309, "news": "warning"}]');
INSERT INTO public.messages VALUES ('nktywsdyrz5d', '群', '2027-11-28 14:45:10.60606+00', NULL, NULL, NULL, '[{"account": "default", "kind": "deadline", "key": "ac4fks3h5h89", "grade": 0, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "w7nm5gwwnky3", "grade": 7, "news": "warning"}, {"account": "newsroom", "kind": "deadline", "key": "h1eka9few9rw", "grade": 7, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "pch4a0t58pw3", "grade": 14, "news": "warning"}]');


--
-- Data for Name: quota_groups; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.quota_groups VALUES (1, 'default', '2026-11-23 06:04:41.585804+00');
INSERT INTO public.quota_groups VALUES (2, 'studio', '2026-11-23 14:07:13.120034+00');


--
-- Data for Name: quota_limits; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.quota_limits VALUES (1, 'cosyvoice', 900, '2026-11-23 14:07:13.120034+00', 0, NULL, 0);
INSERT INTO public.quota_limits VALUES (1, 'qwen-tts', 1000, '2026-11-23 06:04:41.585804+00', 3, '2026-11-28 11:12:13.141516+00', 2);
INSERT INTO public.quota_limits VALUES (2, 'qwen-tts', 5, '2026-11-23 14:07:13.120034+00', 0, '2026-11-28 11:12:13.141516+00', 0);
INSERT INTO public.quota_limits VALUES (2, 'cosyvoice', 1000, '2026-11-23 14:07:13.120034+00', 0, NULL, 1);


--
-- Data for Name: rounds; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.rounds VALUES (1, '王@newsroom-2', '2026-12-08 08:42:10.60606+00', 0, '2026-12-08 08:45:10.60606+00', '2026-12-08 08:45:10.60606+00', false);
INSERT INTO public.rounds VALUES (2, '王@newsroom-2', '2027-10-14 08:42:10.60606+00', 2, '2027-10-14 08:45:10.60606+00', '2027-10-14 08:45:10.60606+00', false);
INSERT INTO public.rounds VALUES (3, '王@newsroom-2', NULL, 0, '2027-10-22 08:45:10.60606+00', '2027-10-22 08:45:10.60606+00', false);
INSERT INTO public.rounds VALUES (4, '王@newsroom-2', '2027-11-21 08:42:10.60606+00', 0, '2027-11-21 08:45:10.60606+00', '2027-11-21 08:45:10.60606+00', false);
INSERT INTO public.rounds VALUES (5, '王@newsroom-2', '2027-11-24 08:42:10.60606+00', 0, '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', false);
INSERT INTO public.rounds VALUES (6, 'lin@studio-1', '2027-11-24 14:45:10.60606+00', 0, '2027-11-24 14:45:10.60606+00', NULL, NULL);


--
-- Data for Name: step_states; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.step_states VALUES ('settle', 'default', '2027-11-24 08:45:10.60606+00', NULL, 'no API key for account default: DASHSCOPE_API_KEY is not set; put the key into the environment variable DASHSCOPE_API_KEY, and try again');
INSERT INTO public.step_states VALUES ('settle', 'newsroom', '2027-11-24 08:45:10.60606+00', NULL, 'no API key for account newsroom: NEWSROOM_KEY is not set; put the key into the environment variable NEWSROOM_KEY, and try again');
INSERT INTO public.step_states VALUES ('settle', 'studio', '2027-11-24 08:45:10.60606+00', NULL, 'no API key for account studio: STUDIO_KEY is not set; put the key into the environment variable STUDIO_KEY, and try again');
INSERT INTO public.step_states VALUES ('keep_alive', 'default', '2027-11-24 08:45:10.60606+00', '2027-10-22 08:45:10.60606+00', '1 of 1 voices could not be kept alive: no API key for account default: DASHSCOPE_API_KEY is not set');
INSERT INTO public.step_states VALUES ('keep_alive', 'newsroom', '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', NULL);
INSERT INTO public.step_states VALUES ('keep_alive', 'studio', '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', NULL);
INSERT INTO public.step_states VALUES ('warn', 'default', '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', NULL);
INSERT INTO public.step_states VALUES ('warn', 'newsroom', '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', NULL);
INSERT INTO public.step_states VALUES ('warn', 'studio', '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', NULL);
INSERT INTO public.step_states VALUES ('deliver', '', '2027-11-24 08:45:10.60606+00', '2027-10-22 08:45:10.60606+00', 'channel mail did not take the message: Apprise cannot use it as a mailto:// URL: Invalid ~From~ email specified: voicereg <u@127.0.0.1>; Could not load E-Mail URL: mailto://u:p...p@1...1:9/?***...g');
INSERT INTO public.step_states VALUES ('prune', '', '2027-11-24 08:45:10.60606+00', '2027-11-24 08:45:10.60606+00', NULL);
INSERT INTO public.step_states VALUES ('sync', 'default', '2027-11-24 08:45:10.60606+00', NULL, 'no API key for account default: DASHSCOPE_API_KEY is not set; put the key into the environment variable DASHSCOPE_API_KEY, and try again');
INSERT INTO public.step_states VALUES ('sync', 'newsroom', '2027-11-24 08:45:10.60606+00', NULL, 'no API key for account newsroom: NEWSROOM_KEY is not set; put the key into the environment variable NEWSROOM_KEY, and try again');
INSERT INTO public.step_states VALUES ('sync', 'studio', '2027-11-24 08:45:10.60606+00', NULL, 'no API key for account studio: STUDIO_KEY is not set; put the key into the environment variable STUDIO_KEY, and try again');


--
-- Data for Name: sync_states; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.sync_states VALUES (1, 'qwen-tts', '2026-11-29 03:15:07.5+00', '2026-11-29 03:15:07.5+00', NULL, 0);
INSERT INTO public.sync_states VALUES (1, 'cosyvoice', '2026-11-29 03:15:07.5+00', '2026-11-28 03:15:02.25+00', 'the listing of designed cosyvoice voices could not be read, and nothing of it was changed: the provider does not answer: “服务繁忙” (ServiceUnavailable, HTTP 503, request r-2)', 0);
INSERT INTO public.sync_states VALUES (3, 'qwen-tts', '2026-11-29 03:15:07.5+00', NULL, 'the listing of designed qwen-tts voices could not be read, and nothing of it was changed: the provider does not accept the key in STUDIO_KEY (InvalidApiKey, HTTP 401, request r-3)', 0);
INSERT INTO public.sync_states VALUES (2, 'cosyvoice', '2026-12-06 03:15:04.75+00', '2026-12-06 03:15:04.75+00', NULL, 0);
INSERT INTO public.sync_states VALUES (2, 'qwen-tts', '2026-12-06 03:15:04.75+00', '2026-12-06 03:15:04.75+00', NULL, 2);


--
-- Data for Name: unclaimed_uses; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.unclaimed_uses VALUES ('cosyvoice-v3.5-plus-vd-weather-0f1e2d3c', '2026-12-03', 'bulletin.py', 18, '2026-12-03 05:59:58.875+00');
INSERT INTO public.unclaimed_uses VALUES ('cosyvoice-v3.5-plus-vd-weather-0f1e2d3c', '2026-12-04', 'bulletin.py', 21, '2026-12-04 05:59:59.015625+00');
INSERT INTO public.unclaimed_uses VALUES ('cosyvoice-v3.5-plus-vd-weather-0f1e2d3c', '2026-12-04', '天气', 1, '2026-12-04 06:10:00+00');
INSERT INTO public.unclaimed_uses VALUES ('qwen-tts-vd-guest-voice-202612010900-0042', '2026-12-02', 'reader.py', 7, '2026-12-02 23:59:59.999999+00');


--
-- Data for Name: use_files; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.use_files VALUES ('bda2fa0e19522a0d85db4e38be0ac2f2947d065e1f1b1fbc6cc7dbc209cd00c9', 48213, '2026-11-30 10:02:11.4+00');
INSERT INTO public.use_files VALUES ('188b13cd70e2aa50849b31b656a9002f796d905e6d085fe7d285488b57e2b68e', 51970, '2026-12-01 10:02:09.25+00');
INSERT INTO public.use_files VALUES ('27bef302e86c5ede454eaf765ae2f30356851e96a66ba97cc0f53acb62d20ba1', 6442450944, '2026-12-06 08:30:00.000001+00');


--
-- Data for Name: use_writers; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.use_writers VALUES ('0d9a6f4be1c24b7f8a35c6d2e9f01734', 3841, '2026-12-06 19:00:05.010203+00');
INSERT INTO public.use_writers VALUES ('7be2150cf3a8496d9e04b1a7c85d62ef', 12, '2026-12-06 08:31:44+00');


--
-- Data for Name: voice_previews; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.voice_previews VALUES ('pch4a0t58pw3', '\x524946462401000057415645666d742010000000010001c05d000080bb0000020010006461746100010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'wav', 24000, '2026-11-23 19:14:26.240068+00');
INSERT INTO public.voice_previews VALUES ('rncseb5h2crx', '\x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'pcm', NULL, '2026-11-24 00:21:39.360102+00');
INSERT INTO public.voice_previews VALUES ('sca3bfvefsrn', '\x524946462401000057415645666d742010000000010001c05d000080bb0000020010006461746100010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'wav', 24000, '2026-11-25 01:57:44.960272+00');
INSERT INTO public.voice_previews VALUES ('byhg1pcgv6e5', '\x524946462401000057415645666d742010000000010001c05d000080bb0000020010006461746100010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'wav', 24000, '2026-11-25 07:04:58.080306+00');
INSERT INTO public.voice_previews VALUES ('ac4fks3h5h89', '\x524946462401000057415645666d742010000000010001c05d000080bb0000020010006461746100010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'wav', 24000, '2026-11-25 12:12:11.20034+00');
INSERT INTO public.voice_previews VALUES ('x3mam2ex7ftd', '\x524946462401000057415645666d742010000000010001c05d000080bb0000020010006461746100010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'wav', 24000, '2026-11-25 17:19:24.320374+00');
INSERT INTO public.voice_previews VALUES ('xg1qjg98rad3', '\x524946462401000057415645666d742010000000010001c05d000080bb0000020010006461746100010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'wav', 24000, '2026-11-25 22:26:37.440408+00');
INSERT INTO public.voice_previews VALUES ('h1eka9few9rw', '\x524946462401000057415645666d742010000000010001c05d000080bb0000020010006461746100010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'wav', 24000, '2026-11-26 03:33:50.560442+00');
INSERT INTO public.voice_previews VALUES ('w7nm5gwwnky3', '\x524946462401000057415645666d742010000000010001c05d000080bb0000020010006461746100010000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'wav', 24000, '2026-11-26 08:41:03.680476+00');


--
-- Data for Name: voice_tags; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.voice_tags VALUES ('pch4a0t58pw3', '团队', '新闻');
INSERT INTO public.voice_tags VALUES ('pch4a0t58pw3', 'use', 'evening news');
INSERT INTO public.voice_tags VALUES ('rncseb5h2crx', 'team', 'news');
INSERT INTO public.voice_tags VALUES ('cn7pgzrtqk32', 'team', 'news');
INSERT INTO public.voice_tags VALUES ('f3bsvjab4rm0', 'team', 'books');
INSERT INTO public.voice_tags VALUES ('byhg1pcgv6e5', 'series', '1');
INSERT INTO public.voice_tags VALUES ('h1eka9few9rw', 'series', '5');
INSERT INTO public.voice_tags VALUES ('x3mam2ex7ftd', 'series', '3');
INSERT INTO public.voice_tags VALUES ('x3mam2ex7ftd', '语气', '温柔');


--
-- Data for Name: voice_texts; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.voice_texts VALUES (1, 'ac4fks3h5h89', 'narrator2a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611220900-0002');
INSERT INTO public.voice_texts VALUES (2, 'byhg1pcgv6e5', 'narrator1a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611210900-0001');
INSERT INTO public.voice_texts VALUES (3, 'cn7pgzrtqk32', 'announcera composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.dear listeners, hello everyone. welcome to the evening news.');
INSERT INTO public.voice_texts VALUES (4, 'd5mq0zt3krb8', 'zhubocosyvoice-v3.5-plus-zhubo-5e6f7a8b9c0d');
INSERT INTO public.voice_texts VALUES (5, 'f3bsvjab4rm0', 'narratora warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.');
INSERT INTO public.voice_texts VALUES (6, 'h1eka9few9rw', 'narrator5a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611250900-0005');
INSERT INTO public.voice_texts VALUES (7, 'k2v8hnw4xe61', 'narrator7a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.');
INSERT INTO public.voice_texts VALUES (8, 'm4xw7r2vq9ed', 'trailera composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.dear listeners, hello everyone. welcome to the evening news.cosyvoice-v3.5-plus-vd-trailer-77aa88bb99cc00dd');
INSERT INTO public.voice_texts VALUES (9, 'pch4a0t58pw3', 'xinwen沉稳的中年男性播音员，音色低沉浑厚，语速平稳，吐字清晰。
适合新闻播报；不带“口音”。各位听众朋友，大家好，欢迎收听晚间新闻。主播：“晚间新闻”
勿删cosyvoice-v3.5-plus-vd-xinwen-11aa22bb33cc44dd');
INSERT INTO public.voice_texts VALUES (10, 'rncseb5h2crx', 'announcera composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.dear listeners, hello everyone. welcome to the evening news.cosyvoice-v3.5-plus-vd-announcer-22bb');
INSERT INTO public.voice_texts VALUES (11, 'sca3bfvefsrn', 'narrator0a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611200900-0000');
INSERT INTO public.voice_texts VALUES (12, 't6c9sy1fjp70', 'narrator8a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.');
INSERT INTO public.voice_texts VALUES (13, 'w7nm5gwwnky3', 'narrator6qwen-tts-vd-narrator-voice-202611260900-0006');
INSERT INTO public.voice_texts VALUES (14, 'x3mam2ex7ftd', 'narrator3a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.备用qwen-tts-vd-narrator-voice-202611230900-0003');
INSERT INTO public.voice_texts VALUES (15, 'xg1qjg98rad3', 'narrator4a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611240900-0004');
INSERT INTO public.voice_texts VALUES (16, 'yb9anqdb2ynx', 'narratora warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.');
INSERT INTO public.voice_texts VALUES (17, 'yefkbrhvhfgf', 'xinwen沉稳的中年男性播音员，音色低沉浑厚，语速平稳，吐字清晰。
适合新闻播报；不带“口音”。各位听众朋友，大家好，欢迎收听晚间新闻。o''brien''s \ 100% "sure"cosyvoice-v3.5-plus-vd-xinwen-33cc');


--
-- Data for Name: voice_uses; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-11-29', 'bulletin.py', 212);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-11-30', 'bulletin.py', 198);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-01', 'bulletin.py', 205);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-02', 'bulletin.py', 240);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-03', 'bulletin.py', 231);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-04', 'bulletin.py', 187);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-05', 'bulletin.py', 90);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-06', 'bulletin.py', 201);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-11-30', '晚间新闻', 1);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-01', '晚间新闻', 1);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-02', '晚间新闻', 2);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-03', '晚间新闻', 1);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-05', '晚间新闻', 1);
INSERT INTO public.voice_uses VALUES ('pch4a0t58pw3', '2026-12-06', '晚间新闻', 3);
INSERT INTO public.voice_uses VALUES ('h1eka9few9rw', '2026-11-27', 'reader.py', 1);
INSERT INTO public.voice_uses VALUES ('h1eka9few9rw', '2026-11-30', 'reader.py', 44);
INSERT INTO public.voice_uses VALUES ('h1eka9few9rw', '2026-12-01', 'reader.py', 61);
INSERT INTO public.voice_uses VALUES ('h1eka9few9rw', '2026-12-04', 'reader.py', 38);
INSERT INTO public.voice_uses VALUES ('h1eka9few9rw', '2026-12-02', 'newsroom', 5);
INSERT INTO public.voice_uses VALUES ('w7nm5gwwnky3', '2026-12-02', 'reader.py', 7);
INSERT INTO public.voice_uses VALUES ('w7nm5gwwnky3', '2026-12-05', 'reader.py', 3);
INSERT INTO public.voice_uses VALUES ('ac4fks3h5h89', '2026-11-26', '读者', 4);
INSERT INTO public.voice_uses VALUES ('x3mam2ex7ftd', '2026-11-26', 'newsroom', 12);
INSERT INTO public.voice_uses VALUES ('x3mam2ex7ftd', '2026-11-27', 'newsroom', 1);
INSERT INTO public.voice_uses VALUES ('x3mam2ex7ftd', '2026-11-26', 'reader.py', 4);
INSERT INTO public.voice_uses VALUES ('m4xw7r2vq9ed', '2026-12-01', 'bulletin.py', 6);
INSERT INTO public.voice_uses VALUES ('m4xw7r2vq9ed', '2026-12-02', 'bulletin.py', 2);
INSERT INTO public.voice_uses VALUES ('m4xw7r2vq9ed', '2026-12-02', '预告片', 2);


--
-- Data for Name: voices; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.voices VALUES ('rncseb5h2crx', 2, 1, 'cosyvoice', 'cosyvoice-v3.5-plus-vd-announcer-22bb', 'cosyvoice-v3.5-plus', 'designed', 'pending', NULL, 'announcer', 'A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.', 'Dear listeners, hello everyone. Welcome to the evening news.', NULL, 16000, 'pcm', '2026-11-24 00:21:39.360102+00', NULL, NULL, '2027-11-24 00:21:39.360102+00', 'created', false, NULL, NULL, NULL, '1a2b3c4d-5e6f-9a7b-8c9d-000000000037', NULL, NULL, NULL, NULL, NULL, '2026-11-24 00:21:39.360102+00');
INSERT INTO public.voices VALUES ('yefkbrhvhfgf', 1, 1, 'cosyvoice', 'cosyvoice-v3.5-plus-vd-xinwen-33cc', 'cosyvoice-v3.5-plus', 'designed', 'rejected', NULL, 'xinwen', '沉稳的中年男性播音员，音色低沉浑厚，语速平稳，吐字清晰。
适合新闻播报；不带“口音”。', '各位听众朋友，大家好，欢迎收听晚间新闻。', 'zh', 24000, 'wav', '2026-11-24 05:28:52.480136+00', NULL, NULL, '2027-11-24 05:28:52.480136+00', 'created', false, NULL, 'O''Brien''s \ 100% "sure"', NULL, '1a2b3c4d-5e6f-9a7b-8c9d-000000000034', NULL, NULL, NULL, NULL, NULL, '2026-11-24 05:28:52.480136+00');
INSERT INTO public.voices VALUES ('cn7pgzrtqk32', 1, 1, 'cosyvoice', NULL, 'cosyvoice-v3.5-plus', 'designed', 'creating', NULL, 'announcer', 'A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.', 'Dear listeners, hello everyone. Welcome to the evening news.', NULL, 24000, 'wav', '2026-11-24 10:36:05.60017+00', NULL, NULL, '2027-11-24 10:36:05.60017+00', 'created', false, 'wang', NULL, NULL, NULL, 'vm:16386:yma0p4jepnfy', '2026-11-24 10:51:05.60017+00', NULL, NULL, NULL, '2026-11-24 10:36:05.60017+00');
INSERT INTO public.voices VALUES ('f3bsvjab4rm0', 1, 1, 'qwen-tts', NULL, 'qwen3-tts-vd-2026-01-26', 'designed', 'unresolved', 'the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)', 'narrator', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-24 15:43:18.720204+00', NULL, NULL, '2027-11-24 15:43:18.720204+00', 'created', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-24 15:43:18.720204+00');
INSERT INTO public.voices VALUES ('yb9anqdb2ynx', 2, 1, 'qwen-tts', NULL, 'qwen3-tts-vd-2026-01-26', 'designed', 'failed', 'the provider does not take a value (InvalidParameter, HTTP 400, request r-1): prompt is not allowed', 'narrator', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-24 20:50:31.840238+00', NULL, NULL, '2027-11-24 20:50:31.840238+00', 'created', false, NULL, NULL, NULL, 'r-1', NULL, NULL, NULL, NULL, '2026-11-24 20:50:31.840238+00', '2026-11-24 20:50:31.840238+00');
INSERT INTO public.voices VALUES ('sca3bfvefsrn', 3, 2, 'qwen-tts', 'qwen-tts-vd-narrator-voice-202611200900-0000', 'qwen3-tts-vd-2026-01-26', 'designed', 'deleting', NULL, 'narrator0', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-25 01:57:44.960272+00', NULL, NULL, '2027-11-25 01:57:44.960272+00', 'created', false, NULL, NULL, NULL, '1a2b3c4d-5e6f-9a7b-8c9d-000000000044', NULL, NULL, '2026-11-26 13:48:16.80051+00', 'active', NULL, '2026-11-26 13:48:16.80051+00');
INSERT INTO public.voices VALUES ('byhg1pcgv6e5', 3, 2, 'qwen-tts', 'qwen-tts-vd-narrator-voice-202611210900-0001', 'qwen3-tts-vd-2026-01-26', 'designed', 'deleted', NULL, 'narrator1', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-25 07:04:58.080306+00', NULL, NULL, '2027-11-25 07:04:58.080306+00', 'created', false, NULL, NULL, NULL, '1a2b3c4d-5e6f-9a7b-8c9d-000000000044', NULL, NULL, NULL, NULL, '2026-11-26 18:55:29.920544+00', '2026-11-26 18:55:29.920544+00');
INSERT INTO public.voices VALUES ('x3mam2ex7ftd', 2, 1, 'qwen-tts', 'qwen-tts-vd-narrator-voice-202611230900-0003', 'qwen3-tts-vd-2026-01-26', 'designed', 'expired', 'gone from two listings after its deadline', 'narrator3', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-25 17:19:24.320374+00', '2026-11-27 00:02:43.040578+00', 'newsroom', '2027-11-27 00:02:43.040578+00', 'used', false, '张', '备用', NULL, '1a2b3c4d-5e6f-9a7b-8c9d-000000000044', NULL, NULL, NULL, NULL, '2027-11-28 00:02:43.040578+00', '2026-11-27 00:02:43.040578+00');
INSERT INTO public.voices VALUES ('xg1qjg98rad3', 2, 1, 'qwen-tts', 'qwen-tts-vd-narrator-voice-202611240900-0004', 'qwen3-tts-vd-2026-01-26', 'designed', 'lost', 'gone from two listings', 'narrator4', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-25 22:26:37.440408+00', NULL, NULL, '2027-11-25 22:26:37.440408+00', 'created', false, NULL, NULL, 'x3mam2ex7ftd', '1a2b3c4d-5e6f-9a7b-8c9d-000000000044', NULL, NULL, NULL, NULL, '2026-11-27 00:02:43.040578+00', '2026-11-27 00:02:43.040578+00');
INSERT INTO public.voices VALUES ('d5mq0zt3krb8', 2, 1, 'cosyvoice', 'cosyvoice-v3.5-plus-zhubo-5e6f7a8b9c0d', NULL, 'cloned', 'active', NULL, 'zhubo', NULL, NULL, NULL, NULL, NULL, '2026-10-02 08:00:00+00', NULL, NULL, '2027-10-02 08:00:00+00', 'estimated', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-29 03:15:21.04321+00');
INSERT INTO public.voices VALUES ('k2v8hnw4xe61', 2, 1, 'qwen-tts', NULL, 'qwen3-tts-vd-2026-01-26', 'designed', 'unresolved', 'the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)', 'narrator7', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-28 20:01:02.345678+00', NULL, NULL, '2027-11-28 20:01:02.345678+00', 'created', false, '王', NULL, 'xg1qjg98rad3', NULL, NULL, '2026-11-28 20:16:02.345678+00', NULL, NULL, NULL, '2026-11-28 20:03:02.4+00');
INSERT INTO public.voices VALUES ('t6c9sy1fjp70', 3, 2, 'qwen-tts', NULL, 'qwen3-tts-vd-2026-01-26', 'designed', 'creating', NULL, 'narrator8', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-29 03:15:20.000001+00', NULL, NULL, '2027-11-29 03:15:20.000001+00', 'created', false, NULL, NULL, NULL, NULL, 'studio-1:4711:q0w9e8r7t6y5', '2026-11-29 03:30:20.000001+00', NULL, NULL, NULL, '2026-11-29 03:15:20.000001+00');
INSERT INTO public.voices VALUES ('m4xw7r2vq9ed', 2, 1, 'cosyvoice', 'cosyvoice-v3.5-plus-vd-trailer-77aa88bb99cc00dd', 'cosyvoice-v3.5-plus', 'designed', 'lost', 'not listed again, before its deadline', 'trailer', 'A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.', 'Dear listeners, hello everyone. Welcome to the evening news.', NULL, 24000, 'wav', '2026-11-30 09:12:44.318207+00', '2026-12-02 10:20:30.123456+00', '预告片', '2027-12-02 10:20:30.123456+00', 'used', false, NULL, NULL, NULL, '1a2b3c4d-5e6f-9a7b-8c9d-000000000051', NULL, NULL, NULL, NULL, '2026-12-06 03:15:16.402118+00', '2026-12-06 03:15:16.402118+00');
INSERT INTO public.voices VALUES ('pch4a0t58pw3', 1, 1, 'cosyvoice', 'cosyvoice-v3.5-plus-vd-xinwen-11aa22bb33cc44dd', 'cosyvoice-v3.5-plus', 'designed', 'active', NULL, 'xinwen', '沉稳的中年男性播音员，音色低沉浑厚，语速平稳，吐字清晰。
适合新闻播报；不带“口音”。', '各位听众朋友，大家好，欢迎收听晚间新闻。', 'zh', 24000, 'wav', '2026-11-23 19:14:26.240068+00', '2026-12-06 19:00:04.215332+00', '晚间新闻', '2027-12-06 19:00:04.215332+00', 'used', true, '林', '主播：“晚间新闻”
勿删', NULL, '1a2b3c4d-5e6f-9a7b-8c9d-000000000046', NULL, NULL, NULL, NULL, NULL, '2026-11-23 19:14:26.240068+00');
INSERT INTO public.voices VALUES ('h1eka9few9rw', 2, 1, 'qwen-tts', 'qwen-tts-vd-narrator-voice-202611250900-0005', 'qwen3-tts-vd-2026-01-26', 'designed', 'active', NULL, 'narrator5', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-26 03:33:50.560442+00', '2026-12-04 22:41:09.000001+00', 'reader.py', '2027-12-04 22:41:09.000001+00', 'used', false, NULL, NULL, 'xg1qjg98rad3', '1a2b3c4d-5e6f-9a7b-8c9d-000000000044', NULL, NULL, NULL, NULL, NULL, '2026-11-27 00:02:43.040578+00');
INSERT INTO public.voices VALUES ('ac4fks3h5h89', 1, 1, 'qwen-tts', 'qwen-tts-vd-narrator-voice-202611220900-0002', 'qwen3-tts-vd-2026-01-26', 'designed', 'missing', NULL, 'narrator2', 'A warm, unhurried woman in her thirties who reads stories with quiet wonder.', 'Welcome to our audiobook. Let me take you on a journey through the wonders of nature.', NULL, 24000, 'wav', '2026-11-25 12:12:11.20034+00', '2026-11-26 20:15:30.5+00', '读者', '2027-11-26 20:15:30.5+00', 'used', false, NULL, NULL, 'w7nm5gwwnky3', '1a2b3c4d-5e6f-9a7b-8c9d-000000000044', NULL, NULL, NULL, NULL, NULL, '2026-11-27 00:02:43.040578+00');
INSERT INTO public.voices VALUES ('w7nm5gwwnky3', 1, 1, 'qwen-tts', 'qwen-tts-vd-narrator-voice-202611260900-0006', 'qwen3-tts-vd-2026-01-26', 'cloned', 'active', NULL, 'narrator6', NULL, NULL, NULL, 24000, 'wav', '2026-11-26 08:41:03.680476+00', '2026-12-02 08:30:00+00', 'newsroom', '2027-12-02 08:30:00+00', 'used', false, NULL, NULL, 'pch4a0t58pw3', '1a2b3c4d-5e6f-9a7b-8c9d-000000000044', NULL, NULL, NULL, NULL, NULL, '2026-12-06 08:45:10.60606+00');


--
-- Data for Name: warnings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.warnings VALUES ('群', 2, 'gone', 'x3mam2ex7ftd', 0, '2026-12-08 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 1, 'unresolved', 'cn7pgzrtqk32', 0, '2026-12-08 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 1, 'unresolved', 'f3bsvjab4rm0', 0, '2026-12-08 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 2, 'unresolved', 'k2v8hnw4xe61', 0, '2026-12-08 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 3, 'unresolved', 't6c9sy1fjp70', 0, '2026-12-08 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 1, 'rejected', 'yefkbrhvhfgf', 0, '2026-12-08 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 2, 'deadline', 'd5mq0zt3krb8', 0, '2027-10-14 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 1, 'deadline', 'w7nm5gwwnky3', 14, '2027-11-21 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 2, 'deadline', 'h1eka9few9rw', 14, '2027-11-21 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 2, 'deadline', 'rncseb5h2crx', 0, '2027-11-24 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 1, 'deadline', 'ac4fks3h5h89', 3, '2027-11-24 08:45:10.60606+00', NULL);
INSERT INTO public.warnings VALUES ('群', 1, 'keep_alive', 'pch4a0t58pw3', -740309, '2027-11-24 08:45:10.60606+00', NULL);


--
-- Name: accounts_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.accounts_id_seq', 3, true);


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.events_id_seq', 60, true);


--
-- Name: quota_groups_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.quota_groups_id_seq', 2, true);


--
-- Name: rounds_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.rounds_id_seq', 6, true);


--
-- Name: voice_texts_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.voice_texts_id_seq', 17, true);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: absences pk_absences; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.absences
    ADD CONSTRAINT pk_absences PRIMARY KEY (voice);


--
-- Name: accounts pk_accounts; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT pk_accounts PRIMARY KEY (id);


--
-- Name: aliases pk_aliases; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT pk_aliases PRIMARY KEY (account_id, name);


--
-- Name: events pk_events; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT pk_events PRIMARY KEY (id);


--
-- Name: leases pk_leases; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (name);


--
-- Name: messages pk_messages; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT pk_messages PRIMARY KEY (id);


--
-- Name: quota_groups pk_quota_groups; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quota_groups
    ADD CONSTRAINT pk_quota_groups PRIMARY KEY (id);


--
-- Name: quota_limits pk_quota_limits; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quota_limits
    ADD CONSTRAINT pk_quota_limits PRIMARY KEY (quota_group_id, family);


--
-- Name: rounds pk_rounds; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rounds
    ADD CONSTRAINT pk_rounds PRIMARY KEY (id);


--
-- Name: step_states pk_step_states; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.step_states
    ADD CONSTRAINT pk_step_states PRIMARY KEY (name, account);


--
-- Name: sync_states pk_sync_states; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sync_states
    ADD CONSTRAINT pk_sync_states PRIMARY KEY (account_id, family);


--
-- Name: unclaimed_uses pk_unclaimed_uses; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.unclaimed_uses
    ADD CONSTRAINT pk_unclaimed_uses PRIMARY KEY (voice_id, day, source);


--
-- Name: use_files pk_use_files; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.use_files
    ADD CONSTRAINT pk_use_files PRIMARY KEY (digest);


--
-- Name: use_writers pk_use_writers; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.use_writers
    ADD CONSTRAINT pk_use_writers PRIMARY KEY (writer);


--
-- Name: voice_previews pk_voice_previews; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_previews
    ADD CONSTRAINT pk_voice_previews PRIMARY KEY (voice);


--
-- Name: voice_tags pk_voice_tags; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_tags
    ADD CONSTRAINT pk_voice_tags PRIMARY KEY (voice, key);


--
-- Name: voice_texts pk_voice_texts; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_texts
    ADD CONSTRAINT pk_voice_texts PRIMARY KEY (id);


--
-- Name: voice_uses pk_voice_uses; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_uses
    ADD CONSTRAINT pk_voice_uses PRIMARY KEY (voice, day, source);


--
-- Name: voices pk_voices; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voices
    ADD CONSTRAINT pk_voices PRIMARY KEY (id);


--
-- Name: warnings pk_warnings; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.warnings
    ADD CONSTRAINT pk_warnings PRIMARY KEY (channel, account_id, kind, key);


--
-- Name: accounts uq_accounts_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT uq_accounts_name UNIQUE (name);


--
-- Name: quota_groups uq_quota_groups_name; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quota_groups
    ADD CONSTRAINT uq_quota_groups_name UNIQUE (name);


--
-- Name: voice_texts uq_voice_texts_voice; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_texts
    ADD CONSTRAINT uq_voice_texts_voice UNIQUE (voice);


--
-- Name: voices uq_voices_quota_group_id_voice_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voices
    ADD CONSTRAINT uq_voices_quota_group_id_voice_id UNIQUE (quota_group_id, voice_id);


--
-- Name: ix_accounts_quota_group_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_accounts_quota_group_id ON public.accounts USING btree (quota_group_id);


--
-- Name: ix_aliases_voice; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_aliases_voice ON public.aliases USING btree (voice);


--
-- Name: ix_events_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_events_account ON public.events USING btree (account, id);


--
-- Name: ix_events_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_events_at ON public.events USING btree (at);


--
-- Name: ix_events_voice; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_events_voice ON public.events USING btree (voice);


--
-- Name: ix_messages_channel_made_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_messages_channel_made_at ON public.messages USING btree (channel, made_at);


--
-- Name: ix_messages_unsettled; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_messages_unsettled ON public.messages USING btree (channel) WHERE (outcome IS NULL);


--
-- Name: ix_rounds_due_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_rounds_due_at ON public.rounds USING btree (due_at);


--
-- Name: ix_rounds_started_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_rounds_started_at ON public.rounds USING btree (started_at);


--
-- Name: ix_use_files_size_bytes; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_use_files_size_bytes ON public.use_files USING btree (size_bytes);


--
-- Name: ix_voice_tags_key_value; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voice_tags_key_value ON public.voice_tags USING btree (key, value);


--
-- Name: ix_voice_texts_grams; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voice_texts_grams ON public.voice_texts USING gin (public.voicereg_grams(text));


--
-- Name: ix_voices_account_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_account_created ON public.voices USING btree (account_id, created_at, id);


--
-- Name: ix_voices_all_live_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_all_live_created ON public.voices USING btree (created_at, id) WHERE (gone_at IS NULL);


--
-- Name: ix_voices_all_live_deadline; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_all_live_deadline ON public.voices USING btree (deadline_at, id) WHERE (gone_at IS NULL);


--
-- Name: ix_voices_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_created ON public.voices USING btree (created_at, id);


--
-- Name: ix_voices_gone; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_gone ON public.voices USING btree (account_id, gone_at, id) WHERE (gone_at IS NOT NULL);


--
-- Name: ix_voices_live_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_live_created ON public.voices USING btree (account_id, created_at, id) WHERE (gone_at IS NULL);


--
-- Name: ix_voices_live_deadline; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_live_deadline ON public.voices USING btree (account_id, deadline_at, id) WHERE (gone_at IS NULL);


--
-- Name: ix_voices_replaces; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_replaces ON public.voices USING btree (replaces);


--
-- Name: ix_voices_slots; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_slots ON public.voices USING btree (quota_group_id, family, state, deadline_at);


--
-- Name: ix_voices_voice_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_voices_voice_id ON public.voices USING btree (voice_id);


--
-- Name: absences fk_absences_voice_voices; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.absences
    ADD CONSTRAINT fk_absences_voice_voices FOREIGN KEY (voice) REFERENCES public.voices(id) ON DELETE CASCADE;


--
-- Name: accounts fk_accounts_quota_group_id_quota_groups; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT fk_accounts_quota_group_id_quota_groups FOREIGN KEY (quota_group_id) REFERENCES public.quota_groups(id);


--
-- Name: aliases fk_aliases_account_id_accounts; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT fk_aliases_account_id_accounts FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;


--
-- Name: aliases fk_aliases_voice_voices; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT fk_aliases_voice_voices FOREIGN KEY (voice) REFERENCES public.voices(id);


--
-- Name: quota_limits fk_quota_limits_quota_group_id_quota_groups; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.quota_limits
    ADD CONSTRAINT fk_quota_limits_quota_group_id_quota_groups FOREIGN KEY (quota_group_id) REFERENCES public.quota_groups(id) ON DELETE CASCADE;


--
-- Name: sync_states fk_sync_states_account_id_accounts; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sync_states
    ADD CONSTRAINT fk_sync_states_account_id_accounts FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;


--
-- Name: voice_previews fk_voice_previews_voice_voices; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_previews
    ADD CONSTRAINT fk_voice_previews_voice_voices FOREIGN KEY (voice) REFERENCES public.voices(id) ON DELETE CASCADE;


--
-- Name: voice_tags fk_voice_tags_voice_voices; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_tags
    ADD CONSTRAINT fk_voice_tags_voice_voices FOREIGN KEY (voice) REFERENCES public.voices(id) ON DELETE CASCADE;


--
-- Name: voice_texts fk_voice_texts_voice_voices; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_texts
    ADD CONSTRAINT fk_voice_texts_voice_voices FOREIGN KEY (voice) REFERENCES public.voices(id) ON DELETE CASCADE;


--
-- Name: voice_uses fk_voice_uses_voice_voices; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voice_uses
    ADD CONSTRAINT fk_voice_uses_voice_voices FOREIGN KEY (voice) REFERENCES public.voices(id) ON DELETE CASCADE;


--
-- Name: voices fk_voices_account_id_accounts; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voices
    ADD CONSTRAINT fk_voices_account_id_accounts FOREIGN KEY (account_id) REFERENCES public.accounts(id);


--
-- Name: voices fk_voices_quota_group_id_quota_groups; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voices
    ADD CONSTRAINT fk_voices_quota_group_id_quota_groups FOREIGN KEY (quota_group_id) REFERENCES public.quota_groups(id);


--
-- Name: voices fk_voices_replaces_voices; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.voices
    ADD CONSTRAINT fk_voices_replaces_voices FOREIGN KEY (replaces) REFERENCES public.voices(id);


--
-- Name: warnings fk_warnings_account_id_accounts; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.warnings
    ADD CONSTRAINT fk_warnings_account_id_accounts FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--


