-- Two roles: one that migrates and owns the tables, one that works with what is in them.
--
-- Once, by one who may make roles, in the registry's own database:
--
--     createdb voicereg
--     psql -d voicereg -f roles.sql
--     psql -d voicereg -c '\password voicereg_owner' -c '\password voicereg_worker'
--
-- Then, as the owner, now and after each update of the program:
--
--     voicereg -d postgresql://voicereg_owner@db.internal/voicereg db upgrade
--
-- Everything else works as postgresql://voicereg_worker@db.internal/voicereg.

CREATE ROLE voicereg_owner LOGIN;
CREATE ROLE voicereg_worker LOGIN;

-- Nobody else makes anything in here.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO voicereg_owner;
GRANT USAGE ON SCHEMA public TO voicereg_worker;

-- What an upgrade makes, the worker may use at once: no later one needs a grant.
ALTER DEFAULT PRIVILEGES FOR ROLE voicereg_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO voicereg_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE voicereg_owner IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO voicereg_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE voicereg_owner IN SCHEMA public
    GRANT EXECUTE ON FUNCTIONS TO voicereg_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE voicereg_owner
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- A registry that was made as another user before, OLD, moves to the owner, once:
--
--     REASSIGN OWNED BY old TO voicereg_owner;
--     GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO voicereg_worker;
--     GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO voicereg_worker;
--     GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO voicereg_worker;
