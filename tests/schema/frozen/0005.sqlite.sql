BEGIN TRANSACTION;
CREATE TABLE absences (
	voice TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	listings INTEGER NOT NULL, 
	CONSTRAINT pk_absences PRIMARY KEY (voice), 
	CONSTRAINT fk_absences_voice_voices FOREIGN KEY(voice) REFERENCES voices (id) ON DELETE CASCADE, 
	CONSTRAINT ck_absences_listings CHECK (listings >= 1)
);
INSERT INTO "absences" VALUES('ac4fks3h5h89','2026-11-27 00:02:43.040578+00:00',1);
INSERT INTO "absences" VALUES('f3bsvjab4rm0','2026-11-26 22:10:00.000000+00:00',3);
CREATE TABLE accounts (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	region TEXT NOT NULL, 
	workspace TEXT, 
	base_url TEXT, 
	api_key_env TEXT NOT NULL, 
	quota_group_id INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_accounts PRIMARY KEY (id), 
	CONSTRAINT uq_accounts_name UNIQUE (name), 
	CONSTRAINT fk_accounts_quota_group_id_quota_groups FOREIGN KEY(quota_group_id) REFERENCES quota_groups (id)
);
INSERT INTO "accounts" VALUES(1,'default','cn-beijing',NULL,'https://gateway.example/api/v1','DASHSCOPE_API_KEY',1,'2026-11-23 06:04:41.585804+00:00','2026-11-23 14:07:13.120034+00:00');
INSERT INTO "accounts" VALUES(2,'newsroom','cn-beijing',NULL,NULL,'NEWSROOM_KEY',1,'2026-11-23 14:07:13.120034+00:00','2026-11-23 14:07:13.120034+00:00');
INSERT INTO "accounts" VALUES(3,'studio','ap-southeast-1','ws-7f3a',NULL,'STUDIO_KEY',2,'2026-11-23 14:07:13.120034+00:00','2026-11-23 14:07:13.120034+00:00');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE aliases (
	account_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	voice TEXT NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_aliases PRIMARY KEY (account_id, name), 
	CONSTRAINT fk_aliases_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE, 
	CONSTRAINT fk_aliases_voice_voices FOREIGN KEY(voice) REFERENCES voices (id)
);
INSERT INTO "aliases" VALUES(1,'evening-news','pch4a0t58pw3','2026-12-01 16:20:00.750000+00:00');
INSERT INTO "aliases" VALUES(1,'晚间新闻','pch4a0t58pw3','2026-11-30 09:05:31.120000+00:00');
INSERT INTO "aliases" VALUES(1,'narrator','w7nm5gwwnky3','2026-11-30 09:06:02.004000+00:00');
INSERT INTO "aliases" VALUES(1,'有声书','ac4fks3h5h89','2026-11-30 09:06:40.999999+00:00');
INSERT INTO "aliases" VALUES(2,'narrator','h1eka9few9rw','2026-11-30 09:08:15.330033+00:00');
INSERT INTO "aliases" VALUES(2,'主播','d5mq0zt3krb8','2026-11-30 09:09:00.000000+00:00');
INSERT INTO "aliases" VALUES(2,'news/trailer@v2','m4xw7r2vq9ed','2026-11-30 09:13:20.515151+00:00');
CREATE TABLE events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	account TEXT, 
	voice TEXT, 
	"before" JSON, 
	"after" JSON, 
	reason TEXT
);
INSERT INTO "events" VALUES(1,'2026-11-23 14:07:13.120034+00:00','lin@studio-1 (cli)','account.add','newsroom',NULL,'{}','{"region": "cn-beijing", "workspace": null, "base_url": null, "api_key_env": "NEWSROOM_KEY", "quota_group": "default", "limits": {"cosyvoice": 1000, "qwen-tts": 1000}}',NULL);
INSERT INTO "events" VALUES(2,'2026-11-23 14:07:13.120034+00:00','lin@studio-1 (cli)','account.add','studio',NULL,'{}','{"region": "ap-southeast-1", "workspace": "ws-7f3a", "base_url": null, "api_key_env": "STUDIO_KEY", "quota_group": "studio", "limits": {"cosyvoice": 1000, "qwen-tts": 5}}',NULL);
INSERT INTO "events" VALUES(3,'2026-11-23 14:07:13.120034+00:00','lin@studio-1 (cli)','account.edit','default',NULL,'{"base_url": null, "limits": {"cosyvoice": 1000, "qwen-tts": 1000}}','{"base_url": "https://gateway.example/api/v1", "limits": {"cosyvoice": 900, "qwen-tts": 1000}}',NULL);
INSERT INTO "events" VALUES(4,'2026-11-23 19:14:26.240068+00:00','lin@studio-1 (cli)','voice.create','default','pch4a0t58pw3','{}','{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "xinwen", "prompt": "\u6c89\u7a33\u7684\u4e2d\u5e74\u7537\u6027\u64ad\u97f3\u5458\uff0c\u97f3\u8272\u4f4e\u6c89\u6d51\u539a\uff0c\u8bed\u901f\u5e73\u7a33\uff0c\u5410\u5b57\u6e05\u6670\u3002\n\u9002\u5408\u65b0\u95fb\u64ad\u62a5\uff1b\u4e0d\u5e26\u201c\u53e3\u97f3\u201d\u3002", "preview_text": "\u5404\u4f4d\u542c\u4f17\u670b\u53cb\uff0c\u5927\u5bb6\u597d\uff0c\u6b22\u8fce\u6536\u542c\u665a\u95f4\u65b0\u95fb\u3002", "language": "zh", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-23T19:14:26.240068Z", "deadline_at": "2027-11-23T19:14:26.240068Z", "deadline_basis": "created", "pinned": true, "owner": "\u6797", "note": "\u4e3b\u64ad\uff1a\u201c\u665a\u95f4\u65b0\u95fb\u201d\n\u52ff\u5220", "tags": {"\u56e2\u961f": "\u65b0\u95fb", "use": "evening news"}}',NULL);
INSERT INTO "events" VALUES(5,'2026-11-23 19:14:26.240068+00:00','lin@studio-1 (cli)','voice.confirm','default','pch4a0t58pw3','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "pending", "voice_id": "cosyvoice-v3.5-plus-vd-xinwen-11aa22bb33cc44dd", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000046"}',NULL);
INSERT INTO "events" VALUES(6,'2026-11-23 19:14:26.240068+00:00','lin@studio-1 (cli)','voice.review','default','pch4a0t58pw3','{"state": "pending"}','{"state": "active"}',NULL);
INSERT INTO "events" VALUES(7,'2026-11-24 00:21:39.360102+00:00','lin@studio-1 (cli)','voice.create','newsroom','rncseb5h2crx','{}','{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "announcer", "prompt": "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.", "preview_text": "Dear listeners, hello everyone. Welcome to the evening news.", "sample_rate": 16000, "response_format": "pcm", "created_at": "2026-11-24T00:21:39.360102Z", "deadline_at": "2027-11-24T00:21:39.360102Z", "deadline_basis": "created", "tags": {"team": "news"}}',NULL);
INSERT INTO "events" VALUES(8,'2026-11-24 00:21:39.360102+00:00','lin@studio-1 (cli)','voice.confirm','newsroom','rncseb5h2crx','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "pending", "voice_id": "cosyvoice-v3.5-plus-vd-announcer-22bb", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000037"}',NULL);
INSERT INTO "events" VALUES(9,'2026-11-24 05:28:52.480136+00:00','lin@studio-1 (cli)','voice.create','default','yefkbrhvhfgf','{}','{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "xinwen", "prompt": "\u6c89\u7a33\u7684\u4e2d\u5e74\u7537\u6027\u64ad\u97f3\u5458\uff0c\u97f3\u8272\u4f4e\u6c89\u6d51\u539a\uff0c\u8bed\u901f\u5e73\u7a33\uff0c\u5410\u5b57\u6e05\u6670\u3002\n\u9002\u5408\u65b0\u95fb\u64ad\u62a5\uff1b\u4e0d\u5e26\u201c\u53e3\u97f3\u201d\u3002", "preview_text": "\u5404\u4f4d\u542c\u4f17\u670b\u53cb\uff0c\u5927\u5bb6\u597d\uff0c\u6b22\u8fce\u6536\u542c\u665a\u95f4\u65b0\u95fb\u3002", "language": "zh", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-24T05:28:52.480136Z", "deadline_at": "2027-11-24T05:28:52.480136Z", "deadline_basis": "created", "note": "O''Brien''s \\ 100% \"sure\""}',NULL);
INSERT INTO "events" VALUES(10,'2026-11-24 05:28:52.480136+00:00','lin@studio-1 (cli)','voice.confirm','default','yefkbrhvhfgf','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "pending", "voice_id": "cosyvoice-v3.5-plus-vd-xinwen-33cc", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000034"}',NULL);
INSERT INTO "events" VALUES(11,'2026-11-24 05:28:52.480136+00:00','lin@studio-1 (cli)','voice.review','default','yefkbrhvhfgf','{"state": "pending"}','{"state": "rejected"}',NULL);
INSERT INTO "events" VALUES(12,'2026-11-24 10:36:05.600170+00:00','lin@studio-1 (cli)','voice.create','default','cn7pgzrtqk32','{}','{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "announcer", "prompt": "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.", "preview_text": "Dear listeners, hello everyone. Welcome to the evening news.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-24T10:36:05.600170Z", "deadline_at": "2027-11-24T10:36:05.600170Z", "deadline_basis": "created", "owner": "wang", "tags": {"team": "news"}}',NULL);
INSERT INTO "events" VALUES(13,'2026-11-24 15:43:18.720204+00:00','lin@studio-1 (cli)','voice.create','default','f3bsvjab4rm0','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-24T15:43:18.720204Z", "deadline_at": "2027-11-24T15:43:18.720204Z", "deadline_basis": "created", "tags": {"team": "books"}}',NULL);
INSERT INTO "events" VALUES(14,'2026-11-24 15:43:18.720204+00:00','lin@studio-1 (cli)','voice.unresolved','default','f3bsvjab4rm0','{"state": "creating", "state_reason": null}','{"state": "unresolved", "state_reason": "the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)"}','the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)');
INSERT INTO "events" VALUES(15,'2026-11-24 20:50:31.840238+00:00','lin@studio-1 (cli)','voice.create','newsroom','yb9anqdb2ynx','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-24T20:50:31.840238Z", "deadline_at": "2027-11-24T20:50:31.840238Z", "deadline_basis": "created"}',NULL);
INSERT INTO "events" VALUES(16,'2026-11-24 20:50:31.840238+00:00','lin@studio-1 (cli)','voice.fail','newsroom','yb9anqdb2ynx','{"state": "creating", "state_reason": null, "request_id": null, "gone_at": null}','{"state": "failed", "state_reason": "the provider does not take a value (InvalidParameter, HTTP 400, request r-1): prompt is not allowed", "request_id": "r-1", "gone_at": "2026-11-24T20:50:31.840238Z"}','the provider does not take a value (InvalidParameter, HTTP 400, request r-1): prompt is not allowed');
INSERT INTO "events" VALUES(17,'2026-11-25 01:57:44.960272+00:00','王@newsroom-2 (library)','voice.create','studio','sca3bfvefsrn','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator0", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T01:57:44.960272Z", "deadline_at": "2027-11-25T01:57:44.960272Z", "deadline_basis": "created"}',NULL);
INSERT INTO "events" VALUES(18,'2026-11-25 01:57:44.960272+00:00','王@newsroom-2 (library)','voice.confirm','studio','sca3bfvefsrn','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611200900-0000", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}',NULL);
INSERT INTO "events" VALUES(19,'2026-11-25 07:04:58.080306+00:00','王@newsroom-2 (library)','voice.create','studio','byhg1pcgv6e5','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator1", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T07:04:58.080306Z", "deadline_at": "2027-11-25T07:04:58.080306Z", "deadline_basis": "created", "tags": {"series": "1"}}',NULL);
INSERT INTO "events" VALUES(20,'2026-11-25 07:04:58.080306+00:00','王@newsroom-2 (library)','voice.confirm','studio','byhg1pcgv6e5','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611210900-0001", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}',NULL);
INSERT INTO "events" VALUES(21,'2026-11-25 12:12:11.200340+00:00','王@newsroom-2 (library)','voice.create','default','ac4fks3h5h89','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator2", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T12:12:11.200340Z", "deadline_at": "2027-11-25T12:12:11.200340Z", "deadline_basis": "created"}',NULL);
INSERT INTO "events" VALUES(22,'2026-11-25 12:12:11.200340+00:00','王@newsroom-2 (library)','voice.confirm','default','ac4fks3h5h89','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611220900-0002", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}',NULL);
INSERT INTO "events" VALUES(23,'2026-11-25 17:19:24.320374+00:00','王@newsroom-2 (library)','voice.create','newsroom','x3mam2ex7ftd','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator3", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T17:19:24.320374Z", "deadline_at": "2027-11-25T17:19:24.320374Z", "deadline_basis": "created", "tags": {"series": "3"}}',NULL);
INSERT INTO "events" VALUES(24,'2026-11-25 17:19:24.320374+00:00','王@newsroom-2 (library)','voice.confirm','newsroom','x3mam2ex7ftd','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611230900-0003", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}',NULL);
INSERT INTO "events" VALUES(25,'2026-11-25 22:26:37.440408+00:00','王@newsroom-2 (library)','voice.create','newsroom','xg1qjg98rad3','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator4", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-25T22:26:37.440408Z", "deadline_at": "2027-11-25T22:26:37.440408Z", "deadline_basis": "created"}',NULL);
INSERT INTO "events" VALUES(26,'2026-11-25 22:26:37.440408+00:00','王@newsroom-2 (library)','voice.confirm','newsroom','xg1qjg98rad3','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611240900-0004", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}',NULL);
INSERT INTO "events" VALUES(27,'2026-11-26 03:33:50.560442+00:00','王@newsroom-2 (library)','voice.create','newsroom','h1eka9few9rw','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator5", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-26T03:33:50.560442Z", "deadline_at": "2027-11-26T03:33:50.560442Z", "deadline_basis": "created", "tags": {"series": "5"}}',NULL);
INSERT INTO "events" VALUES(28,'2026-11-26 03:33:50.560442+00:00','王@newsroom-2 (library)','voice.confirm','newsroom','h1eka9few9rw','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611250900-0005", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}',NULL);
INSERT INTO "events" VALUES(29,'2026-11-26 08:41:03.680476+00:00','王@newsroom-2 (library)','voice.create','default','w7nm5gwwnky3','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator6", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-26T08:41:03.680476Z", "deadline_at": "2027-11-26T08:41:03.680476Z", "deadline_basis": "created"}',NULL);
INSERT INTO "events" VALUES(30,'2026-11-26 08:41:03.680476+00:00','王@newsroom-2 (library)','voice.confirm','default','w7nm5gwwnky3','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "active", "voice_id": "qwen-tts-vd-narrator-voice-202611260900-0006", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000044"}',NULL);
INSERT INTO "events" VALUES(31,'2026-11-26 13:48:16.800510+00:00','lin@studio-1 (cli)','voice.delete.ask','studio','sca3bfvefsrn','{"state": "active", "delete_asked_at": null, "state_before_delete": null}','{"state": "deleting", "delete_asked_at": "2026-11-26T13:48:16.800510Z", "state_before_delete": "active"}',NULL);
INSERT INTO "events" VALUES(32,'2026-11-26 18:55:29.920544+00:00','lin@studio-1 (cli)','voice.delete.ask','studio','byhg1pcgv6e5','{"state": "active", "delete_asked_at": null, "state_before_delete": null}','{"state": "deleting", "delete_asked_at": "2026-11-26T18:55:29.920544Z", "state_before_delete": "active"}',NULL);
INSERT INTO "events" VALUES(33,'2026-11-26 18:55:29.920544+00:00','lin@studio-1 (cli)','voice.delete','studio','byhg1pcgv6e5','{"state": "deleting", "delete_asked_at": "2026-11-26T18:55:29.920544Z", "state_before_delete": "active", "gone_at": null}','{"state": "deleted", "delete_asked_at": null, "state_before_delete": null, "gone_at": "2026-11-26T18:55:29.920544Z"}',NULL);
INSERT INTO "events" VALUES(34,'2026-11-27 00:02:43.040578+00:00','lin@studio-1 (cli)','voice.edit','newsroom','x3mam2ex7ftd','{"owner": null, "note": null, "tags": {"series": "3"}}','{"owner": "\u5f20", "note": "\u5907\u7528", "tags": {"series": "3", "\u8bed\u6c14": "\u6e29\u67d4"}}',NULL);
INSERT INTO "events" VALUES(35,'2026-11-28 20:01:02.345678+00:00','王@newsroom-2 (library)','voice.create','newsroom','k2v8hnw4xe61','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator7", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-28T20:01:02.345678Z", "deadline_at": "2027-11-28T20:01:02.345678Z", "deadline_basis": "created"}',NULL);
INSERT INTO "events" VALUES(36,'2026-11-28 20:03:02.400000+00:00','王@newsroom-2 (library)','voice.unresolved','newsroom','k2v8hnw4xe61','{"state": "creating", "state_reason": null}','{"state": "unresolved", "state_reason": "the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)"}','the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)');
INSERT INTO "events" VALUES(37,'2026-11-29 03:15:20.000001+00:00','lin@studio-1 (cli)','voice.create','studio','t6c9sy1fjp70','{}','{"family": "qwen-tts", "target_model": "qwen3-tts-vd-2026-01-26", "origin": "designed", "state": "creating", "name": "narrator8", "prompt": "A warm, unhurried woman in her thirties who reads stories with quiet wonder.", "preview_text": "Welcome to our audiobook. Let me take you on a journey through the wonders of nature.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-29T03:15:20.000001Z", "deadline_at": "2027-11-29T03:15:20.000001Z", "deadline_basis": "created"}',NULL);
INSERT INTO "events" VALUES(38,'2026-11-29 03:15:21.043210+00:00','lin@studio-1 (cli)','voice.import','newsroom','d5mq0zt3krb8','{}','{"voice_id": "cosyvoice-v3.5-plus-zhubo-5e6f7a8b9c0d", "target_model": null, "origin": "cloned", "state": "active", "created_at": "2026-10-02T08:00:00.000000Z", "deadline_at": "2027-10-02T08:00:00.000000Z"}','listed by the provider, and on no record');
INSERT INTO "events" VALUES(39,'2026-11-29 03:15:21.043210+00:00','lin@studio-1 (cli)','sync','newsroom',NULL,'{}','{"families": ["cosyvoice"], "complete": true, "started_at": "2026-11-29T03:15:07.500000Z", "finished_at": "2026-11-29T03:15:21.043210Z", "requests": 2, "listed": 2, "imported": 1, "refreshed": 0, "adopted": 0, "released": 0, "missing": 0, "gone": 0, "held_back": 0, "unresolved": 0, "any_day": 0}',NULL);
INSERT INTO "events" VALUES(40,'2026-11-29 03:15:21.043210+00:00','lin@studio-1 (cli)','sync','default',NULL,'{}','{"families": ["cosyvoice", "qwen-tts"], "complete": false, "started_at": "2026-11-29T03:15:07.500000Z", "finished_at": "2026-11-29T03:15:21.043210Z", "requests": 3, "listed": 4, "imported": 0, "refreshed": 0, "adopted": 0, "released": 0, "missing": 0, "gone": 0, "held_back": 0, "unresolved": 1, "any_day": 0}','the listing of designed cosyvoice voices could not be read, and nothing of it was changed: the provider does not answer: “服务繁忙” (ServiceUnavailable, HTTP 503, request r-2)');
INSERT INTO "events" VALUES(41,'2026-11-29 03:15:21.043210+00:00','lin@studio-1 (cli)','sync','studio',NULL,'{}','{"families": ["qwen-tts"], "complete": false, "started_at": "2026-11-29T03:15:07.500000Z", "finished_at": "2026-11-29T03:15:21.043210Z", "requests": 0, "listed": 0, "imported": 0, "refreshed": 0, "adopted": 0, "released": 0, "missing": 0, "gone": 0, "held_back": 0, "unresolved": 0, "any_day": 0}','the listing of designed qwen-tts voices could not be read, and nothing of it was changed: the provider does not accept the key in STUDIO_KEY (InvalidApiKey, HTTP 401, request r-3)');
INSERT INTO "events" VALUES(42,'2026-11-30 09:04:58.610000+00:00','lin@studio-1 (cli)','alias.set','default','w7nm5gwwnky3','{}','{"alias": "evening-news", "voice": "w7nm5gwwnky3"}',NULL);
INSERT INTO "events" VALUES(43,'2026-11-30 09:05:31.120000+00:00','lin@studio-1 (cli)','alias.set','default','pch4a0t58pw3','{}','{"alias": "\u665a\u95f4\u65b0\u95fb", "voice": "pch4a0t58pw3"}',NULL);
INSERT INTO "events" VALUES(44,'2026-11-30 09:06:02.004000+00:00','lin@studio-1 (cli)','alias.set','default','w7nm5gwwnky3','{}','{"alias": "narrator", "voice": "w7nm5gwwnky3"}',NULL);
INSERT INTO "events" VALUES(45,'2026-11-30 09:06:40.999999+00:00','lin@studio-1 (cli)','alias.set','default','ac4fks3h5h89','{}','{"alias": "\u6709\u58f0\u4e66", "voice": "ac4fks3h5h89"}',NULL);
INSERT INTO "events" VALUES(46,'2026-11-30 09:08:15.330033+00:00','lin@studio-1 (cli)','alias.set','newsroom','h1eka9few9rw','{}','{"alias": "narrator", "voice": "h1eka9few9rw"}',NULL);
INSERT INTO "events" VALUES(47,'2026-11-30 09:09:00.000000+00:00','lin@studio-1 (cli)','alias.set','newsroom','d5mq0zt3krb8','{}','{"alias": "\u4e3b\u64ad", "voice": "d5mq0zt3krb8"}',NULL);
INSERT INTO "events" VALUES(48,'2026-11-30 09:10:10.101010+00:00','lin@studio-1 (cli)','alias.set','newsroom','d5mq0zt3krb8','{}','{"alias": "zhubo", "voice": "d5mq0zt3krb8"}',NULL);
INSERT INTO "events" VALUES(49,'2026-11-30 09:10:48.200002+00:00','lin@studio-1 (cli)','alias.remove','newsroom','d5mq0zt3krb8','{"alias": "zhubo", "voice": "d5mq0zt3krb8"}','{}',NULL);
INSERT INTO "events" VALUES(50,'2026-11-30 09:12:44.318207+00:00','王@newsroom-2 (library)','voice.create','newsroom','m4xw7r2vq9ed','{}','{"family": "cosyvoice", "target_model": "cosyvoice-v3.5-plus", "origin": "designed", "state": "creating", "name": "trailer", "prompt": "A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.", "preview_text": "Dear listeners, hello everyone. Welcome to the evening news.", "sample_rate": 24000, "response_format": "wav", "created_at": "2026-11-30T09:12:44.318207Z", "deadline_at": "2027-11-30T09:12:44.318207Z", "deadline_basis": "created"}',NULL);
INSERT INTO "events" VALUES(51,'2026-11-30 09:12:49.000512+00:00','王@newsroom-2 (library)','voice.confirm','newsroom','m4xw7r2vq9ed','{"state": "creating", "voice_id": null, "request_id": null}','{"state": "active", "voice_id": "cosyvoice-v3.5-plus-vd-trailer-77aa88bb99cc00dd", "request_id": "1a2b3c4d-5e6f-9a7b-8c9d-000000000051"}',NULL);
INSERT INTO "events" VALUES(52,'2026-11-30 09:13:20.515151+00:00','王@newsroom-2 (library)','alias.set','newsroom','m4xw7r2vq9ed','{}','{"alias": "news/trailer@v2", "voice": "m4xw7r2vq9ed"}',NULL);
INSERT INTO "events" VALUES(53,'2026-12-01 16:20:00.750000+00:00','lin@studio-1 (cli)','alias.set','default','pch4a0t58pw3','{"alias": "evening-news", "voice": "w7nm5gwwnky3"}','{"alias": "evening-news", "voice": "pch4a0t58pw3"}',NULL);
INSERT INTO "events" VALUES(54,'2026-12-05 03:15:17.250000+00:00','lin@studio-1 (cli)','voice.missing','newsroom','m4xw7r2vq9ed','{"state": "active", "state_reason": null}','{"state": "missing", "state_reason": "the provider does not list it any more"}','the provider does not list it any more');
INSERT INTO "events" VALUES(55,'2026-12-05 03:15:17.250000+00:00','lin@studio-1 (cli)','sync','newsroom',NULL,'{}','{"families": ["cosyvoice"], "complete": true, "started_at": "2026-12-05T03:15:05.000000Z", "finished_at": "2026-12-05T03:15:17.250000Z", "requests": 2, "listed": 2, "imported": 0, "refreshed": 0, "adopted": 0, "released": 0, "missing": 1, "gone": 0, "held_back": 0, "unresolved": 0, "any_day": 0}',NULL);
INSERT INTO "events" VALUES(56,'2026-12-06 03:15:16.402118+00:00','lin@studio-1 (cli)','voice.gone','newsroom','m4xw7r2vq9ed','{"state": "missing", "state_reason": "the provider does not list it any more", "gone_at": null}','{"state": "lost", "state_reason": "not listed again, before its deadline", "gone_at": "2026-12-06T03:15:16.402118Z"}','not listed again, before its deadline');
INSERT INTO "events" VALUES(57,'2026-12-06 03:15:16.402118+00:00','lin@studio-1 (cli)','sync','newsroom',NULL,'{}','{"families": ["cosyvoice", "qwen-tts"], "complete": true, "started_at": "2026-12-06T03:15:04.750000Z", "finished_at": "2026-12-06T03:15:16.402118Z", "requests": 5, "listed": 6, "imported": 0, "refreshed": 0, "adopted": 0, "released": 0, "missing": 0, "gone": 1, "held_back": 0, "unresolved": 1, "any_day": 0}',NULL);
INSERT INTO "events" VALUES(58,'2026-12-06 08:45:10.606060+00:00','lin@studio-1 (cli)','voice.use.correct','default','w7nm5gwwnky3','{"last_used_at": "2026-12-05T06:00:00.000000Z", "last_used_source": "reader.py", "deadline_at": "2027-12-05T06:00:00.000000Z"}','{"last_used_at": "2026-12-02T08:30:00.000000Z", "last_used_source": "newsroom", "deadline_at": "2027-12-02T08:30:00.000000Z"}','corrected by hand');
INSERT INTO "events" VALUES(59,'2027-11-21 08:45:10.606060+00:00','王@newsroom-2','voice.keep-alive-failed','default','pch4a0t58pw3','{}','{}','no API key for account default: DASHSCOPE_API_KEY is not set');
INSERT INTO "events" VALUES(60,'2027-11-24 08:45:10.606060+00:00','王@newsroom-2','voice.keep-alive-failed','default','pch4a0t58pw3','{}','{}','no API key for account default: DASHSCOPE_API_KEY is not set');
CREATE TABLE leases (
	name TEXT NOT NULL, 
	token TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	place TEXT, 
	taken_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_leases PRIMARY KEY (name), 
	CONSTRAINT ck_leases_expires_at CHECK (expires_at >= taken_at)
);
INSERT INTO "leases" VALUES('schedule of housekeeping','y41y3ke9rx31','王@newsroom-2','newsroom-2/4711','2027-11-24 14:45:10.606060+00:00','2027-11-24 14:45:55.606060+00:00');
INSERT INTO "leases" VALUES('round of housekeeping','g3vy29wsg4z0','王@newsroom-2','newsroom-2/4711','2027-11-28 14:45:10.606060+00:00','2027-11-28 14:45:55.606060+00:00');
CREATE TABLE messages (
	id TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	settled_at DATETIME, 
	outcome TEXT, 
	error TEXT, 
	items JSON NOT NULL, 
	CONSTRAINT pk_messages PRIMARY KEY (id), 
	CONSTRAINT ck_messages_outcome CHECK (outcome IS NULL OR outcome IN ('sent', 'failed', 'unknown')), 
	CONSTRAINT ck_messages_settled_at CHECK ((outcome IS NULL) = (settled_at IS NULL))
);
INSERT INTO "messages" VALUES('wtj6f13akws6','群','2026-12-08 08:45:10.606060+00:00','2026-12-08 08:45:10.606060+00:00','sent',NULL,'[{"account": "newsroom", "kind": "gone", "key": "x3mam2ex7ftd", "grade": 0, "news": "warning"}, {"account": "newsroom", "kind": "gone", "key": "xg1qjg98rad3", "grade": 0, "news": "warning"}, {"account": "newsroom", "kind": "gone", "key": "m4xw7r2vq9ed", "grade": 0, "news": "warning"}, {"account": "default", "kind": "unresolved", "key": "cn7pgzrtqk32", "grade": 0, "news": "warning"}, {"account": "default", "kind": "unresolved", "key": "f3bsvjab4rm0", "grade": 0, "news": "warning"}, {"account": "newsroom", "kind": "unresolved", "key": "k2v8hnw4xe61", "grade": 0, "news": "warning"}, {"account": "studio", "kind": "unresolved", "key": "t6c9sy1fjp70", "grade": 0, "news": "warning"}, {"account": "default", "kind": "rejected", "key": "yefkbrhvhfgf", "grade": 0, "news": "warning"}]');
INSERT INTO "messages" VALUES('dhggr5dq1t11','群','2027-10-14 08:45:10.606060+00:00','2027-10-14 08:45:10.606060+00:00','sent',NULL,'[{"account": "newsroom", "kind": "deadline", "key": "d5mq0zt3krb8", "grade": 0, "news": "warning"}, {"account": "newsroom", "kind": "deadline", "key": "rncseb5h2crx", "grade": 60, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "ac4fks3h5h89", "grade": 60, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "w7nm5gwwnky3", "grade": 60, "news": "warning"}, {"account": "newsroom", "kind": "deadline", "key": "h1eka9few9rw", "grade": 60, "news": "warning"}]');
INSERT INTO "messages" VALUES('mcgwant3f0yy','群','2027-11-21 08:45:10.606060+00:00','2027-11-21 08:45:10.606060+00:00','sent',NULL,'[{"account": "newsroom", "kind": "deadline", "key": "rncseb5h2crx", "grade": 3, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "ac4fks3h5h89", "grade": 7, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "w7nm5gwwnky3", "grade": 14, "news": "warning"}, {"account": "newsroom", "kind": "deadline", "key": "h1eka9few9rw", "grade": 14, "news": "warning"}, {"account": "default", "kind": "keep_alive", "key": "pch4a0t58pw3", "grade": -740306, "news": "warning"}]');
INSERT INTO "messages" VALUES('vz9bp1s2y5ef','mail','2027-11-21 08:45:10.606060+00:00','2027-11-21 08:45:10.606060+00:00','failed','channel mail did not take the message: Apprise cannot use it as a mailto:// URL: Invalid ~From~ email specified: voicereg <u@127.0.0.1>; Could not load E-Mail URL: mailto://u:p...p@1...1:9/?***...g','[{"account": "default", "kind": "keep_alive", "key": "pch4a0t58pw3", "grade": -740306, "news": "warning"}]');
INSERT INTO "messages" VALUES('cgheef27hhya','群','2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00','sent',NULL,'[{"account": "newsroom", "kind": "deadline", "key": "rncseb5h2crx", "grade": 0, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "ac4fks3h5h89", "grade": 3, "news": "warning"}, {"account": "default", "kind": "keep_alive", "key": "pch4a0t58pw3", "grade": -740309, "news": "warning"}]');
INSERT INTO "messages" VALUES('xgtmtcddfw1g','mail','2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00','failed','channel mail did not take the message: Apprise cannot use it as a mailto:// URL: Invalid ~From~ email specified: voicereg <u@127.0.0.1>; Could not load E-Mail URL: mailto://u:p...p@1...1:9/?***...g','[{"account": "default", "kind": "keep_alive", "key": "pch4a0t58pw3", "grade": -740309, "news": "warning"}]');
INSERT INTO "messages" VALUES('vh9q32k7v5c4','群','2027-11-28 14:45:10.606060+00:00',NULL,NULL,NULL,'[{"account": "default", "kind": "deadline", "key": "ac4fks3h5h89", "grade": 0, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "w7nm5gwwnky3", "grade": 7, "news": "warning"}, {"account": "newsroom", "kind": "deadline", "key": "h1eka9few9rw", "grade": 7, "news": "warning"}, {"account": "default", "kind": "deadline", "key": "pch4a0t58pw3", "grade": 14, "news": "warning"}]');
CREATE TABLE quota_groups (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_quota_groups PRIMARY KEY (id), 
	CONSTRAINT uq_quota_groups_name UNIQUE (name)
);
INSERT INTO "quota_groups" VALUES(1,'default','2026-11-23 06:04:41.585804+00:00');
INSERT INTO "quota_groups" VALUES(2,'studio','2026-11-23 14:07:13.120034+00:00');
CREATE TABLE "quota_limits" (
	quota_group_id INTEGER NOT NULL, 
	family TEXT NOT NULL, 
	slots INTEGER NOT NULL, 
	updated_at DATETIME NOT NULL, 
	unseen INTEGER DEFAULT '0' NOT NULL, 
	refused_at DATETIME, 
	surplus INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_quota_limits PRIMARY KEY (quota_group_id, family), 
	CONSTRAINT ck_quota_limits_unseen CHECK (unseen >= 0 AND surplus >= 0), 
	CONSTRAINT ck_quota_limits_refused_at CHECK (unseen = 0 OR refused_at IS NOT NULL), 
	CONSTRAINT fk_quota_limits_quota_group_id_quota_groups FOREIGN KEY(quota_group_id) REFERENCES quota_groups (id) ON DELETE CASCADE, 
	CONSTRAINT ck_quota_limits_family CHECK (family IN ('cosyvoice', 'qwen-tts')), 
	CONSTRAINT ck_quota_limits_slots CHECK (slots >= 0)
);
INSERT INTO "quota_limits" VALUES(1,'cosyvoice',900,'2026-11-23 14:07:13.120034+00:00',0,NULL,0);
INSERT INTO "quota_limits" VALUES(1,'qwen-tts',1000,'2026-11-23 06:04:41.585804+00:00',3,'2026-11-28 11:12:13.141516+00:00',2);
INSERT INTO "quota_limits" VALUES(2,'cosyvoice',1000,'2026-11-23 14:07:13.120034+00:00',0,NULL,1);
INSERT INTO "quota_limits" VALUES(2,'qwen-tts',5,'2026-11-23 14:07:13.120034+00:00',0,'2026-11-28 11:12:13.141516+00:00',0);
CREATE TABLE rounds (
	id INTEGER NOT NULL, 
	holder TEXT NOT NULL, 
	due_at DATETIME, 
	missed INTEGER DEFAULT '0' NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	ok BOOLEAN, 
	CONSTRAINT pk_rounds PRIMARY KEY (id), 
	CONSTRAINT ck_rounds_finished_at CHECK ((finished_at IS NULL) = (ok IS NULL)), 
	CONSTRAINT ck_rounds_missed CHECK (missed >= 0 AND (missed = 0 OR due_at IS NOT NULL))
);
INSERT INTO "rounds" VALUES(1,'王@newsroom-2','2026-12-08 08:42:10.606060+00:00',0,'2026-12-08 08:45:10.606060+00:00','2026-12-08 08:45:10.606060+00:00',0);
INSERT INTO "rounds" VALUES(2,'王@newsroom-2','2027-10-14 08:42:10.606060+00:00',2,'2027-10-14 08:45:10.606060+00:00','2027-10-14 08:45:10.606060+00:00',0);
INSERT INTO "rounds" VALUES(3,'王@newsroom-2',NULL,0,'2027-10-22 08:45:10.606060+00:00','2027-10-22 08:45:10.606060+00:00',0);
INSERT INTO "rounds" VALUES(4,'王@newsroom-2','2027-11-21 08:42:10.606060+00:00',0,'2027-11-21 08:45:10.606060+00:00','2027-11-21 08:45:10.606060+00:00',0);
INSERT INTO "rounds" VALUES(5,'王@newsroom-2','2027-11-24 08:42:10.606060+00:00',0,'2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00',0);
INSERT INTO "rounds" VALUES(6,'lin@studio-1','2027-11-24 14:45:10.606060+00:00',0,'2027-11-24 14:45:10.606060+00:00',NULL,NULL);
CREATE TABLE step_states (
	name TEXT NOT NULL, 
	account TEXT NOT NULL, 
	tried_at DATETIME NOT NULL, 
	good_at DATETIME, 
	error TEXT, 
	CONSTRAINT pk_step_states PRIMARY KEY (name, account), 
	CONSTRAINT ck_step_states_error CHECK (error IS NOT NULL OR good_at IS NOT NULL)
);
INSERT INTO "step_states" VALUES('sync','default','2027-11-24 08:45:10.606060+00:00',NULL,'no API key for account default: DASHSCOPE_API_KEY is not set; put the key into the environment variable DASHSCOPE_API_KEY, and try again');
INSERT INTO "step_states" VALUES('sync','newsroom','2027-11-24 08:45:10.606060+00:00',NULL,'no API key for account newsroom: NEWSROOM_KEY is not set; put the key into the environment variable NEWSROOM_KEY, and try again');
INSERT INTO "step_states" VALUES('sync','studio','2027-11-24 08:45:10.606060+00:00',NULL,'no API key for account studio: STUDIO_KEY is not set; put the key into the environment variable STUDIO_KEY, and try again');
INSERT INTO "step_states" VALUES('settle','default','2027-11-24 08:45:10.606060+00:00',NULL,'no API key for account default: DASHSCOPE_API_KEY is not set; put the key into the environment variable DASHSCOPE_API_KEY, and try again');
INSERT INTO "step_states" VALUES('settle','newsroom','2027-11-24 08:45:10.606060+00:00',NULL,'no API key for account newsroom: NEWSROOM_KEY is not set; put the key into the environment variable NEWSROOM_KEY, and try again');
INSERT INTO "step_states" VALUES('settle','studio','2027-11-24 08:45:10.606060+00:00',NULL,'no API key for account studio: STUDIO_KEY is not set; put the key into the environment variable STUDIO_KEY, and try again');
INSERT INTO "step_states" VALUES('keep_alive','default','2027-11-24 08:45:10.606060+00:00','2027-10-22 08:45:10.606060+00:00','1 of 1 voices could not be kept alive: no API key for account default: DASHSCOPE_API_KEY is not set');
INSERT INTO "step_states" VALUES('keep_alive','newsroom','2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00',NULL);
INSERT INTO "step_states" VALUES('keep_alive','studio','2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00',NULL);
INSERT INTO "step_states" VALUES('warn','default','2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00',NULL);
INSERT INTO "step_states" VALUES('warn','newsroom','2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00',NULL);
INSERT INTO "step_states" VALUES('warn','studio','2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00',NULL);
INSERT INTO "step_states" VALUES('deliver','','2027-11-24 08:45:10.606060+00:00','2027-10-22 08:45:10.606060+00:00','channel mail did not take the message: Apprise cannot use it as a mailto:// URL: Invalid ~From~ email specified: voicereg <u@127.0.0.1>; Could not load E-Mail URL: mailto://u:p...p@1...1:9/?***...g');
INSERT INTO "step_states" VALUES('prune','','2027-11-24 08:45:10.606060+00:00','2027-11-24 08:45:10.606060+00:00',NULL);
CREATE TABLE sync_states (
	account_id INTEGER NOT NULL, 
	family TEXT NOT NULL, 
	tried_at DATETIME NOT NULL, 
	synced_at DATETIME, 
	problem TEXT, surplus INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_sync_states PRIMARY KEY (account_id, family), 
	CONSTRAINT fk_sync_states_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE, 
	CONSTRAINT ck_sync_states_family CHECK (family IN ('cosyvoice', 'qwen-tts')), 
	CONSTRAINT ck_sync_states_problem CHECK (problem IS NOT NULL OR synced_at IS NOT NULL)
);
INSERT INTO "sync_states" VALUES(1,'qwen-tts','2026-11-29 03:15:07.500000+00:00','2026-11-29 03:15:07.500000+00:00',NULL,0);
INSERT INTO "sync_states" VALUES(1,'cosyvoice','2026-11-29 03:15:07.500000+00:00','2026-11-28 03:15:02.250000+00:00','the listing of designed cosyvoice voices could not be read, and nothing of it was changed: the provider does not answer: “服务繁忙” (ServiceUnavailable, HTTP 503, request r-2)',0);
INSERT INTO "sync_states" VALUES(2,'cosyvoice','2026-12-06 03:15:04.750000+00:00','2026-12-06 03:15:04.750000+00:00',NULL,0);
INSERT INTO "sync_states" VALUES(3,'qwen-tts','2026-11-29 03:15:07.500000+00:00',NULL,'the listing of designed qwen-tts voices could not be read, and nothing of it was changed: the provider does not accept the key in STUDIO_KEY (InvalidApiKey, HTTP 401, request r-3)',0);
INSERT INTO "sync_states" VALUES(2,'qwen-tts','2026-12-06 03:15:04.750000+00:00','2026-12-06 03:15:04.750000+00:00',NULL,2);
CREATE TABLE unclaimed_uses (
	voice_id TEXT NOT NULL, 
	day DATE NOT NULL, 
	source TEXT NOT NULL, 
	uses BIGINT NOT NULL, 
	last_used_at DATETIME NOT NULL, 
	CONSTRAINT pk_unclaimed_uses PRIMARY KEY (voice_id, day, source), 
	CONSTRAINT ck_unclaimed_uses_uses CHECK (uses >= 1)
);
INSERT INTO "unclaimed_uses" VALUES('cosyvoice-v3.5-plus-vd-weather-0f1e2d3c','2026-12-03','bulletin.py',18,'2026-12-03 05:59:58.875000+00:00');
INSERT INTO "unclaimed_uses" VALUES('cosyvoice-v3.5-plus-vd-weather-0f1e2d3c','2026-12-04','bulletin.py',21,'2026-12-04 05:59:59.015625+00:00');
INSERT INTO "unclaimed_uses" VALUES('cosyvoice-v3.5-plus-vd-weather-0f1e2d3c','2026-12-04','天气',1,'2026-12-04 06:10:00.000000+00:00');
INSERT INTO "unclaimed_uses" VALUES('qwen-tts-vd-guest-voice-202612010900-0042','2026-12-02','reader.py',7,'2026-12-02 23:59:59.999999+00:00');
CREATE TABLE use_files (
	digest TEXT NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	read_at DATETIME NOT NULL, 
	CONSTRAINT pk_use_files PRIMARY KEY (digest)
);
INSERT INTO "use_files" VALUES('bda2fa0e19522a0d85db4e38be0ac2f2947d065e1f1b1fbc6cc7dbc209cd00c9',48213,'2026-11-30 10:02:11.400000+00:00');
INSERT INTO "use_files" VALUES('188b13cd70e2aa50849b31b656a9002f796d905e6d085fe7d285488b57e2b68e',51970,'2026-12-01 10:02:09.250000+00:00');
INSERT INTO "use_files" VALUES('27bef302e86c5ede454eaf765ae2f30356851e96a66ba97cc0f53acb62d20ba1',6442450944,'2026-12-06 08:30:00.000001+00:00');
CREATE TABLE use_writers (
	writer TEXT NOT NULL, 
	batch BIGINT NOT NULL, 
	written_at DATETIME NOT NULL, 
	CONSTRAINT pk_use_writers PRIMARY KEY (writer)
);
INSERT INTO "use_writers" VALUES('0d9a6f4be1c24b7f8a35c6d2e9f01734',3841,'2026-12-06 19:00:05.010203+00:00');
INSERT INTO "use_writers" VALUES('7be2150cf3a8496d9e04b1a7c85d62ef',12,'2026-12-06 08:31:44.000000+00:00');
CREATE TABLE voice_previews (
	voice TEXT NOT NULL, 
	data BLOB NOT NULL, 
	response_format TEXT NOT NULL, 
	sample_rate INTEGER, 
	kept_at DATETIME NOT NULL, 
	CONSTRAINT pk_voice_previews PRIMARY KEY (voice), 
	CONSTRAINT fk_voice_previews_voice_voices FOREIGN KEY(voice) REFERENCES voices (id) ON DELETE CASCADE
);
INSERT INTO "voice_previews" VALUES('pch4a0t58pw3',X'524946462401000057415645666D742010000000010001C05D000080BB0000020010006461746100010000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','wav',24000,'2026-11-23 19:14:26.240068+00:00');
INSERT INTO "voice_previews" VALUES('rncseb5h2crx',X'0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','pcm',NULL,'2026-11-24 00:21:39.360102+00:00');
INSERT INTO "voice_previews" VALUES('sca3bfvefsrn',X'524946462401000057415645666D742010000000010001C05D000080BB0000020010006461746100010000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','wav',24000,'2026-11-25 01:57:44.960272+00:00');
INSERT INTO "voice_previews" VALUES('byhg1pcgv6e5',X'524946462401000057415645666D742010000000010001C05D000080BB0000020010006461746100010000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','wav',24000,'2026-11-25 07:04:58.080306+00:00');
INSERT INTO "voice_previews" VALUES('ac4fks3h5h89',X'524946462401000057415645666D742010000000010001C05D000080BB0000020010006461746100010000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','wav',24000,'2026-11-25 12:12:11.200340+00:00');
INSERT INTO "voice_previews" VALUES('x3mam2ex7ftd',X'524946462401000057415645666D742010000000010001C05D000080BB0000020010006461746100010000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','wav',24000,'2026-11-25 17:19:24.320374+00:00');
INSERT INTO "voice_previews" VALUES('xg1qjg98rad3',X'524946462401000057415645666D742010000000010001C05D000080BB0000020010006461746100010000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','wav',24000,'2026-11-25 22:26:37.440408+00:00');
INSERT INTO "voice_previews" VALUES('h1eka9few9rw',X'524946462401000057415645666D742010000000010001C05D000080BB0000020010006461746100010000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','wav',24000,'2026-11-26 03:33:50.560442+00:00');
INSERT INTO "voice_previews" VALUES('w7nm5gwwnky3',X'524946462401000057415645666D742010000000010001C05D000080BB0000020010006461746100010000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF','wav',24000,'2026-11-26 08:41:03.680476+00:00');
CREATE TABLE voice_tags (
	voice TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_voice_tags PRIMARY KEY (voice, "key"), 
	CONSTRAINT fk_voice_tags_voice_voices FOREIGN KEY(voice) REFERENCES voices (id) ON DELETE CASCADE
);
INSERT INTO "voice_tags" VALUES('pch4a0t58pw3','团队','新闻');
INSERT INTO "voice_tags" VALUES('pch4a0t58pw3','use','evening news');
INSERT INTO "voice_tags" VALUES('rncseb5h2crx','team','news');
INSERT INTO "voice_tags" VALUES('cn7pgzrtqk32','team','news');
INSERT INTO "voice_tags" VALUES('f3bsvjab4rm0','team','books');
INSERT INTO "voice_tags" VALUES('byhg1pcgv6e5','series','1');
INSERT INTO "voice_tags" VALUES('h1eka9few9rw','series','5');
INSERT INTO "voice_tags" VALUES('x3mam2ex7ftd','series','3');
INSERT INTO "voice_tags" VALUES('x3mam2ex7ftd','语气','温柔');
CREATE TABLE voice_texts (
	id INTEGER NOT NULL, 
	voice TEXT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_voice_texts PRIMARY KEY (id), 
	CONSTRAINT fk_voice_texts_voice_voices FOREIGN KEY(voice) REFERENCES voices (id) ON DELETE CASCADE, 
	CONSTRAINT uq_voice_texts_voice UNIQUE (voice)
);
INSERT INTO "voice_texts" VALUES(1,'ac4fks3h5h89','narrator2a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611220900-0002');
INSERT INTO "voice_texts" VALUES(2,'byhg1pcgv6e5','narrator1a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611210900-0001');
INSERT INTO "voice_texts" VALUES(3,'cn7pgzrtqk32','announcera composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.dear listeners, hello everyone. welcome to the evening news.');
INSERT INTO "voice_texts" VALUES(4,'d5mq0zt3krb8','zhubocosyvoice-v3.5-plus-zhubo-5e6f7a8b9c0d');
INSERT INTO "voice_texts" VALUES(5,'f3bsvjab4rm0','narratora warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.');
INSERT INTO "voice_texts" VALUES(6,'h1eka9few9rw','narrator5a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611250900-0005');
INSERT INTO "voice_texts" VALUES(7,'k2v8hnw4xe61','narrator7a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.');
INSERT INTO "voice_texts" VALUES(8,'m4xw7r2vq9ed','trailera composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.dear listeners, hello everyone. welcome to the evening news.cosyvoice-v3.5-plus-vd-trailer-77aa88bb99cc00dd');
INSERT INTO "voice_texts" VALUES(9,'pch4a0t58pw3','xinwen沉稳的中年男性播音员，音色低沉浑厚，语速平稳，吐字清晰。
适合新闻播报；不带“口音”。各位听众朋友，大家好，欢迎收听晚间新闻。主播：“晚间新闻”
勿删cosyvoice-v3.5-plus-vd-xinwen-11aa22bb33cc44dd');
INSERT INTO "voice_texts" VALUES(10,'rncseb5h2crx','announcera composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.dear listeners, hello everyone. welcome to the evening news.cosyvoice-v3.5-plus-vd-announcer-22bb');
INSERT INTO "voice_texts" VALUES(11,'sca3bfvefsrn','narrator0a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611200900-0000');
INSERT INTO "voice_texts" VALUES(12,'t6c9sy1fjp70','narrator8a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.');
INSERT INTO "voice_texts" VALUES(13,'w7nm5gwwnky3','narrator6qwen-tts-vd-narrator-voice-202611260900-0006');
INSERT INTO "voice_texts" VALUES(14,'x3mam2ex7ftd','narrator3a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.备用qwen-tts-vd-narrator-voice-202611230900-0003');
INSERT INTO "voice_texts" VALUES(15,'xg1qjg98rad3','narrator4a warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.qwen-tts-vd-narrator-voice-202611240900-0004');
INSERT INTO "voice_texts" VALUES(16,'yb9anqdb2ynx','narratora warm, unhurried woman in her thirties who reads stories with quiet wonder.welcome to our audiobook. let me take you on a journey through the wonders of nature.');
INSERT INTO "voice_texts" VALUES(17,'yefkbrhvhfgf','xinwen沉稳的中年男性播音员，音色低沉浑厚，语速平稳，吐字清晰。
适合新闻播报；不带“口音”。各位听众朋友，大家好，欢迎收听晚间新闻。o''brien''s \ 100% "sure"cosyvoice-v3.5-plus-vd-xinwen-33cc');
CREATE TABLE voice_uses (
	voice TEXT NOT NULL, 
	day DATE NOT NULL, 
	source TEXT NOT NULL, 
	uses BIGINT NOT NULL, 
	CONSTRAINT pk_voice_uses PRIMARY KEY (voice, day, source), 
	CONSTRAINT fk_voice_uses_voice_voices FOREIGN KEY(voice) REFERENCES voices (id) ON DELETE CASCADE, 
	CONSTRAINT ck_voice_uses_uses CHECK (uses >= 1)
);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-11-29','bulletin.py',212);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-11-30','bulletin.py',198);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-01','bulletin.py',205);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-02','bulletin.py',240);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-03','bulletin.py',231);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-04','bulletin.py',187);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-05','bulletin.py',90);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-06','bulletin.py',201);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-11-30','晚间新闻',1);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-01','晚间新闻',1);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-02','晚间新闻',2);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-03','晚间新闻',1);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-05','晚间新闻',1);
INSERT INTO "voice_uses" VALUES('pch4a0t58pw3','2026-12-06','晚间新闻',3);
INSERT INTO "voice_uses" VALUES('h1eka9few9rw','2026-11-27','reader.py',1);
INSERT INTO "voice_uses" VALUES('h1eka9few9rw','2026-11-30','reader.py',44);
INSERT INTO "voice_uses" VALUES('h1eka9few9rw','2026-12-01','reader.py',61);
INSERT INTO "voice_uses" VALUES('h1eka9few9rw','2026-12-04','reader.py',38);
INSERT INTO "voice_uses" VALUES('h1eka9few9rw','2026-12-02','newsroom',5);
INSERT INTO "voice_uses" VALUES('w7nm5gwwnky3','2026-12-02','reader.py',7);
INSERT INTO "voice_uses" VALUES('w7nm5gwwnky3','2026-12-05','reader.py',3);
INSERT INTO "voice_uses" VALUES('ac4fks3h5h89','2026-11-26','读者',4);
INSERT INTO "voice_uses" VALUES('x3mam2ex7ftd','2026-11-26','newsroom',12);
INSERT INTO "voice_uses" VALUES('x3mam2ex7ftd','2026-11-27','newsroom',1);
INSERT INTO "voice_uses" VALUES('x3mam2ex7ftd','2026-11-26','reader.py',4);
INSERT INTO "voice_uses" VALUES('m4xw7r2vq9ed','2026-12-01','bulletin.py',6);
INSERT INTO "voice_uses" VALUES('m4xw7r2vq9ed','2026-12-02','bulletin.py',2);
INSERT INTO "voice_uses" VALUES('m4xw7r2vq9ed','2026-12-02','预告片',2);
CREATE TABLE "voices" (
	id TEXT NOT NULL, 
	account_id INTEGER NOT NULL, 
	quota_group_id INTEGER NOT NULL, 
	family TEXT NOT NULL, 
	voice_id TEXT, 
	target_model TEXT, 
	origin TEXT NOT NULL, 
	state TEXT NOT NULL, 
	state_reason TEXT, 
	name TEXT NOT NULL, 
	prompt TEXT, 
	preview_text TEXT, 
	language TEXT, 
	sample_rate INTEGER, 
	response_format TEXT, 
	created_at DATETIME NOT NULL, 
	last_used_at DATETIME, 
	last_used_source TEXT, 
	deadline_at DATETIME NOT NULL, 
	deadline_basis TEXT NOT NULL, 
	pinned BOOLEAN NOT NULL, 
	owner TEXT, 
	note TEXT, 
	replaces TEXT, 
	request_id TEXT, 
	lease_holder TEXT, 
	lease_expires_at DATETIME, 
	delete_asked_at DATETIME, 
	state_before_delete TEXT, 
	gone_at DATETIME, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_voices PRIMARY KEY (id), 
	CONSTRAINT ck_voices_lease CHECK ((state = 'creating') = (lease_holder IS NOT NULL) AND (lease_holder IS NULL OR lease_expires_at IS NOT NULL) AND (lease_expires_at IS NULL OR state IN ('creating', 'unresolved'))), 
	CONSTRAINT ck_voices_target_model CHECK (target_model IS NOT NULL OR deadline_basis <> 'created'), 
	CONSTRAINT fk_voices_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id), 
	CONSTRAINT fk_voices_quota_group_id_quota_groups FOREIGN KEY(quota_group_id) REFERENCES quota_groups (id), 
	CONSTRAINT fk_voices_replaces_voices FOREIGN KEY(replaces) REFERENCES voices (id), 
	CONSTRAINT uq_voices_quota_group_id_voice_id UNIQUE (quota_group_id, voice_id), 
	CONSTRAINT ck_voices_family CHECK (family IN ('cosyvoice', 'qwen-tts')), 
	CONSTRAINT ck_voices_origin CHECK (origin IN ('designed', 'cloned')), 
	CONSTRAINT ck_voices_state CHECK (state IN ('creating', 'unresolved', 'pending', 'active', 'rejected', 'deleting', 'missing', 'failed', 'deleted', 'expired', 'lost')), 
	CONSTRAINT ck_voices_deadline_basis CHECK (deadline_basis IN ('used', 'created', 'estimated')), 
	CONSTRAINT ck_voices_voice_id CHECK (voice_id IS NOT NULL OR state IN ('creating', 'failed', 'unresolved')), 
	CONSTRAINT ck_voices_delete_intent CHECK ((state = 'deleting') = (delete_asked_at IS NOT NULL) AND (delete_asked_at IS NULL) = (state_before_delete IS NULL)), 
	CONSTRAINT ck_voices_gone_at CHECK ((state IN ('deleted', 'expired', 'failed', 'lost')) = (gone_at IS NOT NULL)), 
	CONSTRAINT ck_voices_deadline_at CHECK (deadline_at > created_at), 
	CONSTRAINT ck_voices_used_deadline CHECK (deadline_basis <> 'used' OR last_used_at IS NOT NULL)
);
INSERT INTO "voices" VALUES('pch4a0t58pw3',1,1,'cosyvoice','cosyvoice-v3.5-plus-vd-xinwen-11aa22bb33cc44dd','cosyvoice-v3.5-plus','designed','active',NULL,'xinwen','沉稳的中年男性播音员，音色低沉浑厚，语速平稳，吐字清晰。
适合新闻播报；不带“口音”。','各位听众朋友，大家好，欢迎收听晚间新闻。','zh',24000,'wav','2026-11-23 19:14:26.240068+00:00','2026-12-06 19:00:04.215332+00:00','晚间新闻','2027-12-06 19:00:04.215332+00:00','used',1,'林','主播：“晚间新闻”
勿删',NULL,'1a2b3c4d-5e6f-9a7b-8c9d-000000000046',NULL,NULL,NULL,NULL,NULL,'2026-11-23 19:14:26.240068+00:00');
INSERT INTO "voices" VALUES('rncseb5h2crx',2,1,'cosyvoice','cosyvoice-v3.5-plus-vd-announcer-22bb','cosyvoice-v3.5-plus','designed','pending',NULL,'announcer','A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.','Dear listeners, hello everyone. Welcome to the evening news.',NULL,16000,'pcm','2026-11-24 00:21:39.360102+00:00',NULL,NULL,'2027-11-24 00:21:39.360102+00:00','created',0,NULL,NULL,NULL,'1a2b3c4d-5e6f-9a7b-8c9d-000000000037',NULL,NULL,NULL,NULL,NULL,'2026-11-24 00:21:39.360102+00:00');
INSERT INTO "voices" VALUES('yefkbrhvhfgf',1,1,'cosyvoice','cosyvoice-v3.5-plus-vd-xinwen-33cc','cosyvoice-v3.5-plus','designed','rejected',NULL,'xinwen','沉稳的中年男性播音员，音色低沉浑厚，语速平稳，吐字清晰。
适合新闻播报；不带“口音”。','各位听众朋友，大家好，欢迎收听晚间新闻。','zh',24000,'wav','2026-11-24 05:28:52.480136+00:00',NULL,NULL,'2027-11-24 05:28:52.480136+00:00','created',0,NULL,'O''Brien''s \ 100% "sure"',NULL,'1a2b3c4d-5e6f-9a7b-8c9d-000000000034',NULL,NULL,NULL,NULL,NULL,'2026-11-24 05:28:52.480136+00:00');
INSERT INTO "voices" VALUES('cn7pgzrtqk32',1,1,'cosyvoice',NULL,'cosyvoice-v3.5-plus','designed','creating',NULL,'announcer','A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.','Dear listeners, hello everyone. Welcome to the evening news.',NULL,24000,'wav','2026-11-24 10:36:05.600170+00:00',NULL,NULL,'2027-11-24 10:36:05.600170+00:00','created',0,'wang',NULL,NULL,NULL,'vm:16386:yma0p4jepnfy','2026-11-24 10:51:05.600170+00:00',NULL,NULL,NULL,'2026-11-24 10:36:05.600170+00:00');
INSERT INTO "voices" VALUES('f3bsvjab4rm0',1,1,'qwen-tts',NULL,'qwen3-tts-vd-2026-01-26','designed','unresolved','the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)','narrator','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-24 15:43:18.720204+00:00',NULL,NULL,'2027-11-24 15:43:18.720204+00:00','created',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-24 15:43:18.720204+00:00');
INSERT INTO "voices" VALUES('yb9anqdb2ynx',2,1,'qwen-tts',NULL,'qwen3-tts-vd-2026-01-26','designed','failed','the provider does not take a value (InvalidParameter, HTTP 400, request r-1): prompt is not allowed','narrator','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-24 20:50:31.840238+00:00',NULL,NULL,'2027-11-24 20:50:31.840238+00:00','created',0,NULL,NULL,NULL,'r-1',NULL,NULL,NULL,NULL,'2026-11-24 20:50:31.840238+00:00','2026-11-24 20:50:31.840238+00:00');
INSERT INTO "voices" VALUES('sca3bfvefsrn',3,2,'qwen-tts','qwen-tts-vd-narrator-voice-202611200900-0000','qwen3-tts-vd-2026-01-26','designed','deleting',NULL,'narrator0','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-25 01:57:44.960272+00:00',NULL,NULL,'2027-11-25 01:57:44.960272+00:00','created',0,NULL,NULL,NULL,'1a2b3c4d-5e6f-9a7b-8c9d-000000000044',NULL,NULL,'2026-11-26 13:48:16.800510+00:00','active',NULL,'2026-11-26 13:48:16.800510+00:00');
INSERT INTO "voices" VALUES('byhg1pcgv6e5',3,2,'qwen-tts','qwen-tts-vd-narrator-voice-202611210900-0001','qwen3-tts-vd-2026-01-26','designed','deleted',NULL,'narrator1','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-25 07:04:58.080306+00:00',NULL,NULL,'2027-11-25 07:04:58.080306+00:00','created',0,NULL,NULL,NULL,'1a2b3c4d-5e6f-9a7b-8c9d-000000000044',NULL,NULL,NULL,NULL,'2026-11-26 18:55:29.920544+00:00','2026-11-26 18:55:29.920544+00:00');
INSERT INTO "voices" VALUES('ac4fks3h5h89',1,1,'qwen-tts','qwen-tts-vd-narrator-voice-202611220900-0002','qwen3-tts-vd-2026-01-26','designed','missing',NULL,'narrator2','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-25 12:12:11.200340+00:00','2026-11-26 20:15:30.500000+00:00','读者','2027-11-26 20:15:30.500000+00:00','used',0,NULL,NULL,'w7nm5gwwnky3','1a2b3c4d-5e6f-9a7b-8c9d-000000000044',NULL,NULL,NULL,NULL,NULL,'2026-11-27 00:02:43.040578+00:00');
INSERT INTO "voices" VALUES('x3mam2ex7ftd',2,1,'qwen-tts','qwen-tts-vd-narrator-voice-202611230900-0003','qwen3-tts-vd-2026-01-26','designed','expired','gone from two listings after its deadline','narrator3','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-25 17:19:24.320374+00:00','2026-11-27 00:02:43.040578+00:00','newsroom','2027-11-27 00:02:43.040578+00:00','used',0,'张','备用',NULL,'1a2b3c4d-5e6f-9a7b-8c9d-000000000044',NULL,NULL,NULL,NULL,'2027-11-28 00:02:43.040578+00:00','2026-11-27 00:02:43.040578+00:00');
INSERT INTO "voices" VALUES('xg1qjg98rad3',2,1,'qwen-tts','qwen-tts-vd-narrator-voice-202611240900-0004','qwen3-tts-vd-2026-01-26','designed','lost','gone from two listings','narrator4','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-25 22:26:37.440408+00:00',NULL,NULL,'2027-11-25 22:26:37.440408+00:00','created',0,NULL,NULL,'x3mam2ex7ftd','1a2b3c4d-5e6f-9a7b-8c9d-000000000044',NULL,NULL,NULL,NULL,'2026-11-27 00:02:43.040578+00:00','2026-11-27 00:02:43.040578+00:00');
INSERT INTO "voices" VALUES('h1eka9few9rw',2,1,'qwen-tts','qwen-tts-vd-narrator-voice-202611250900-0005','qwen3-tts-vd-2026-01-26','designed','active',NULL,'narrator5','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-26 03:33:50.560442+00:00','2026-12-04 22:41:09.000001+00:00','reader.py','2027-12-04 22:41:09.000001+00:00','used',0,NULL,NULL,'xg1qjg98rad3','1a2b3c4d-5e6f-9a7b-8c9d-000000000044',NULL,NULL,NULL,NULL,NULL,'2026-11-27 00:02:43.040578+00:00');
INSERT INTO "voices" VALUES('w7nm5gwwnky3',1,1,'qwen-tts','qwen-tts-vd-narrator-voice-202611260900-0006','qwen3-tts-vd-2026-01-26','cloned','active',NULL,'narrator6',NULL,NULL,NULL,24000,'wav','2026-11-26 08:41:03.680476+00:00','2026-12-02 08:30:00.000000+00:00','newsroom','2027-12-02 08:30:00.000000+00:00','used',0,NULL,NULL,'pch4a0t58pw3','1a2b3c4d-5e6f-9a7b-8c9d-000000000044',NULL,NULL,NULL,NULL,NULL,'2026-12-06 08:45:10.606060+00:00');
INSERT INTO "voices" VALUES('d5mq0zt3krb8',2,1,'cosyvoice','cosyvoice-v3.5-plus-zhubo-5e6f7a8b9c0d',NULL,'cloned','active',NULL,'zhubo',NULL,NULL,NULL,NULL,NULL,'2026-10-02 08:00:00.000000+00:00',NULL,NULL,'2027-10-02 08:00:00.000000+00:00','estimated',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-29 03:15:21.043210+00:00');
INSERT INTO "voices" VALUES('k2v8hnw4xe61',2,1,'qwen-tts',NULL,'qwen3-tts-vd-2026-01-26','designed','unresolved','the connection to dashscope.aliyuncs.com was lost before an answer came (ReadTimeout)','narrator7','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-28 20:01:02.345678+00:00',NULL,NULL,'2027-11-28 20:01:02.345678+00:00','created',0,'王',NULL,'xg1qjg98rad3',NULL,NULL,'2026-11-28 20:16:02.345678+00:00',NULL,NULL,NULL,'2026-11-28 20:03:02.400000+00:00');
INSERT INTO "voices" VALUES('t6c9sy1fjp70',3,2,'qwen-tts',NULL,'qwen3-tts-vd-2026-01-26','designed','creating',NULL,'narrator8','A warm, unhurried woman in her thirties who reads stories with quiet wonder.','Welcome to our audiobook. Let me take you on a journey through the wonders of nature.',NULL,24000,'wav','2026-11-29 03:15:20.000001+00:00',NULL,NULL,'2027-11-29 03:15:20.000001+00:00','created',0,NULL,NULL,NULL,NULL,'studio-1:4711:q0w9e8r7t6y5','2026-11-29 03:30:20.000001+00:00',NULL,NULL,NULL,'2026-11-29 03:15:20.000001+00:00');
INSERT INTO "voices" VALUES('m4xw7r2vq9ed',2,1,'cosyvoice','cosyvoice-v3.5-plus-vd-trailer-77aa88bb99cc00dd','cosyvoice-v3.5-plus','designed','lost','not listed again, before its deadline','trailer','A composed middle-aged male announcer with a deep, rich and magnetic voice, a steady speaking speed and clear articulation, is suitable for news broadcasting or documentary commentary.','Dear listeners, hello everyone. Welcome to the evening news.',NULL,24000,'wav','2026-11-30 09:12:44.318207+00:00','2026-12-02 10:20:30.123456+00:00','预告片','2027-12-02 10:20:30.123456+00:00','used',0,NULL,NULL,NULL,'1a2b3c4d-5e6f-9a7b-8c9d-000000000051',NULL,NULL,NULL,NULL,'2026-12-06 03:15:16.402118+00:00','2026-12-06 03:15:16.402118+00:00');
CREATE TABLE warnings (
	channel TEXT NOT NULL, 
	account_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	grade INTEGER NOT NULL, 
	told_at DATETIME NOT NULL, 
	uncertain TEXT, 
	CONSTRAINT pk_warnings PRIMARY KEY (channel, account_id, kind, "key"), 
	CONSTRAINT fk_warnings_account_id_accounts FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE, 
	CONSTRAINT ck_warnings_kind CHECK (kind IN ('keep_alive', 'deadline', 'gone', 'quota', 'retiring', 'unresolved', 'rejected')), 
	CONSTRAINT ck_warnings_uncertain CHECK (uncertain IS NULL OR uncertain IN ('warning', 'all_clear'))
);
INSERT INTO "warnings" VALUES('群',2,'gone','x3mam2ex7ftd',0,'2026-12-08 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',1,'unresolved','cn7pgzrtqk32',0,'2026-12-08 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',1,'unresolved','f3bsvjab4rm0',0,'2026-12-08 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',2,'unresolved','k2v8hnw4xe61',0,'2026-12-08 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',3,'unresolved','t6c9sy1fjp70',0,'2026-12-08 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',1,'rejected','yefkbrhvhfgf',0,'2026-12-08 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',2,'deadline','d5mq0zt3krb8',0,'2027-10-14 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',2,'deadline','rncseb5h2crx',0,'2027-11-24 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',1,'deadline','ac4fks3h5h89',3,'2027-11-24 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',1,'deadline','w7nm5gwwnky3',14,'2027-11-21 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',2,'deadline','h1eka9few9rw',14,'2027-11-21 08:45:10.606060+00:00',NULL);
INSERT INTO "warnings" VALUES('群',1,'keep_alive','pch4a0t58pw3',-740309,'2027-11-24 08:45:10.606060+00:00',NULL);
CREATE INDEX ix_accounts_quota_group_id ON accounts (quota_group_id);
CREATE INDEX ix_voice_tags_key_value ON voice_tags ("key", value);
CREATE INDEX ix_events_at ON events (at);
CREATE INDEX ix_events_voice ON events (voice);
CREATE INDEX ix_voices_replaces ON voices (replaces);
CREATE INDEX ix_voices_slots ON voices (quota_group_id, family, state, deadline_at);
CREATE INDEX ix_voices_account_created ON voices (account_id, created_at, id);
CREATE INDEX ix_voices_live_created ON voices (account_id, created_at, id) WHERE gone_at IS NULL;
CREATE INDEX ix_voices_live_deadline ON voices (account_id, deadline_at, id) WHERE gone_at IS NULL;
CREATE INDEX ix_voices_voice_id ON voices (voice_id);
CREATE INDEX ix_aliases_voice ON aliases (voice);
CREATE INDEX ix_use_files_size_bytes ON use_files (size_bytes);
CREATE INDEX ix_rounds_due_at ON rounds (due_at);
CREATE INDEX ix_rounds_started_at ON rounds (started_at);
CREATE INDEX ix_messages_channel_made_at ON messages (channel, made_at);
CREATE INDEX ix_messages_unsettled ON messages (channel) WHERE outcome IS NULL;
CREATE INDEX ix_voices_created ON voices (created_at, id);
CREATE INDEX ix_voices_all_live_created ON voices (created_at, id) WHERE gone_at IS NULL;
CREATE INDEX ix_voices_all_live_deadline ON voices (deadline_at, id) WHERE gone_at IS NULL;
CREATE INDEX ix_voices_gone ON voices (account_id, gone_at, id) WHERE gone_at IS NOT NULL;
CREATE INDEX ix_events_account ON events (account, id);
CREATE VIRTUAL TABLE voice_words USING fts5(text, content='voice_texts', content_rowid='id', tokenize='trigram case_sensitive 1', detail=none);
INSERT INTO voice_words (voice_words) VALUES ('rebuild');
CREATE VIRTUAL TABLE voice_word_list USING fts5vocab('voice_words', 'instance');
CREATE TRIGGER voice_texts_added AFTER INSERT ON voice_texts BEGIN INSERT INTO voice_words (rowid, text) VALUES (new.id, new.text); END;
CREATE TRIGGER voice_texts_removed AFTER DELETE ON voice_texts BEGIN INSERT INTO voice_words (voice_words, rowid, text) VALUES ('delete', old.id, old.text); END;
CREATE TRIGGER voice_texts_changed AFTER UPDATE OF text ON voice_texts BEGIN INSERT INTO voice_words (voice_words, rowid, text) VALUES ('delete', old.id, old.text); INSERT INTO voice_words (rowid, text) VALUES (new.id, new.text); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',60);
COMMIT;
