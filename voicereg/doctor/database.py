"""The database: whether it can be reached and written, and whether what is in it is sound."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import shorten

from voicereg.doctor import records
from voicereg.doctor.findings import Finding, Outcome, ok, skipped, wrong
from voicereg.doctor.subject import Look, Subject
from voicereg.doctor.wording import some
from voicereg.domain.counts import many
from voicereg.domain.errors import DatabaseUnusable, SchemaMismatch, VoiceregError
from voicereg.engine import Database
from voicereg.schema.checks import problems
from voicereg.schema.revisions import HEAD, ensure_current

_REACH = "database.reach"
_RIGHTS = "database.rights"
_SCHEMA = "database.schema"
_SOUND = "database.sound"
_SHOWN = 5
_LONGEST = 200
_NO_RIGHT = "42501"
"""How PostgreSQL says that a user may not do something."""


def check(subject: Subject) -> Iterator[Finding]:
    """Whether the database can be used, and is sound."""
    look = subject.look
    if look.error is not None:
        yield from _unusable(look, look.error)
        return
    database = look.database
    if database is None:
        yield skipped(_SCHEMA, "there is no database yet: it is set up at its first use")
        return
    if not database.is_sqlite:
        yield from _server(database, is_empty=look.revision is None)
    if look.revision == HEAD:
        yield from _soundness(database)
        return
    if database.is_sqlite:
        damage = _damage(database)
        if damage is not None:
            yield wrong(_SOUND, f"the file is damaged: {damage}", _RESTORE)
    if subject.is_new:
        yield ok(_SCHEMA, f"{database.display} is empty: it is set up at its first use")
        return
    try:
        ensure_current(database)  # changes nothing but an empty SQLite file
    except SchemaMismatch as mismatch:
        yield wrong(_SCHEMA, str(mismatch), mismatch.advice)


def _damage(database: Database) -> str | None:
    try:
        with database.read() as connection:
            return records.first_damage(connection)
    except DatabaseUnusable as error:
        return error.why


def _unusable(look: Look, error: VoiceregError) -> Iterator[Finding]:
    if isinstance(error, SchemaMismatch):
        yield wrong(_SCHEMA, str(error), error.advice)
        return
    original = getattr(error.__cause__, "orig", None)
    if look.database is not None and getattr(original, "sqlstate", None) == _NO_RIGHT:
        found = list(_server(look.database, is_empty=False))
        if any(finding.outcome is Outcome.WRONG for finding in found):
            yield from found
            return
    advice = error.advice
    if look.database is not None and not look.database.is_sqlite:
        said = error.why.lower() if isinstance(error, DatabaseUnusable) else ""
        advice = next((say for hint, say in _REASONS.items() if hint in said), advice)
    yield wrong(_REACH, str(error), advice or _URLS)


_URLS = "give --database the path of a SQLite file, or postgresql://USER@HOST/NAME"
_REASONS = {
    "password": "correct the password in the database URL, or set PGPASSWORD; @ in one is %40",
    "timeout": "see that the server runs, and that a firewall lets this machine through",
    "timed out": "see that the server runs, and that a firewall lets this machine through",
    "connection refused": "start the server, or correct the host and port in the database URL",
    "no such file or directory": "start the server, or name its host in the database URL",
    "resolve": "correct the host in the database URL, or the name server of this machine",
    'role "': "correct the user in the database URL, or make that role on the server",
    'database "': "correct the database's name in the database URL, or make it on the server "
    "with createdb; then: voicereg db upgrade",
}
"""How to mend it, by what PostgreSQL says in English; a server may speak another language."""


def _server(database: Database, *, is_empty: bool) -> Iterator[Finding]:
    with database.read() as connection:
        version = records.server_version(connection)
        user = records.user(connection)
        read_only = records.is_read_only(connection)
        missing = [] if is_empty else records.rights_missing(connection)
        may_create = records.may_create(connection)
    yield ok(_REACH, f"{database.display} answers: PostgreSQL {version}")
    if read_only:
        yield wrong(
            _RIGHTS,
            "the server takes no changes: it is a standby, or set to read only",
            "name the primary server in the database URL, or set default_transaction_read_only "
            "to off there",
        )
    elif user.schema is None:
        yield wrong(
            _RIGHTS,
            f"the user {user.name} may use no schema",
            f"let the owner run: GRANT USAGE ON SCHEMA public TO {user.name}",
        )
    elif is_empty and not may_create:
        yield wrong(
            _RIGHTS,
            f"the user {user.name} may make no tables",
            "let the owner of the database run voicereg db upgrade, or GRANT CREATE ON SCHEMA "
            f"{user.schema} TO {user.name}",
        )
    elif missing:
        yield wrong(
            _RIGHTS,
            f"the user {user.name} lacks {some(missing)}",
            "let the owner run: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "
            f"{user.schema} TO {user.name}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA {user.schema} "
            f"TO {user.name}",
        )
    else:
        yield ok(_RIGHTS, f"the user {user.name} may read and write")


_RESTORE = "stop what uses it, keep a copy of the file, and put a backup in its place"
_ADVICE = {
    "the file is damaged": _RESTORE,
    "the schema differs": "somebody has changed the tables by hand: undo that, or put a backup in "
    "their place",
    "quota group": "set its limits: voicereg account edit NAME --limit cosyvoice=N --limit "
    "qwen-tts=N",
    "voice": "it was changed by hand: put a backup in its place, or the old group back",
}
"""By what a problem begins with."""


def _soundness(database: Database) -> Iterator[Finding]:
    yield ok(_SCHEMA, f"the schema is {HEAD}, as this version needs it")
    try:
        found = problems(database)
    except DatabaseUnusable as error:
        # So damaged that not even the damage can be told.
        yield wrong(_SOUND, str(error), _RESTORE if database.is_sqlite else error.advice)
        return
    for problem in found[:_SHOWN]:
        advice = next((say for start, say in _ADVICE.items() if problem.startswith(start)), None)
        # What SQLite tells of damage may go on for lines.
        yield wrong(_SOUND, shorten(problem, _LONGEST, placeholder=" …"), advice or _RESTORE)
    if len(found) > _SHOWN:
        more = f"{many(len(found) - _SHOWN, 'problem')} more"
        yield wrong(_SOUND, more, "voicereg db check shows them all")
    if not found:
        yield ok(_SOUND, f"{database.display} is sound")
