"""``voicereg db``: the schema and the state of the database itself."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import print_fields
from voicereg.domain.counts import many


@click.group()
def db() -> None:
    """Set up, upgrade or check the database."""


@db.command()
@json_option
@pass_app
def upgrade(app: App, /, as_json: bool) -> int:
    """Set the database up, or bring it up to date; a SQLite file is copied first."""
    from voicereg.schema import migrate

    database = app.open_database()
    done = migrate.upgrade(database)
    if as_json:
        print_json(
            {
                "database": database.display,
                "from": done.before,
                "to": done.after,
                "backup": None if done.backup is None else str(done.backup),
            }
        )
        return ExitCode.DONE
    if done.backup is not None:
        app.say(f"a copy of it as it was is {done.backup}")
    if done.before == done.after:
        app.say(f"{database.display} is at {done.after} already")
    else:
        app.say(f"{database.display}: {done.before or 'empty'} -> {done.after}")
    return ExitCode.DONE


@db.command()
@json_option
@pass_app
def current(app: App, /, as_json: bool) -> int:
    """Show the schema that the database has."""
    from voicereg.schema.revisions import HEAD, found_revision

    database = app.open_database()
    found = found_revision(database)
    if as_json:
        print_json({"database": database.display, "current": found, "needed": HEAD})
    else:
        print_fields(
            [("database", database.display), ("current", found or "empty"), ("needed", HEAD)]
        )
    return ExitCode.DONE


@db.command()
@json_option
@pass_app
def check(app: App, /, as_json: bool) -> int:
    """Check the schema and the data.

    The exit code is 1 where something is wrong.
    """
    from voicereg.schema.checks import problems

    database = app.open_database()
    found = problems(database)
    if as_json:
        print_json({"database": database.display, "ok": not found, "problems": found})
    elif found:
        for problem in found:
            click.echo(problem)
    else:
        app.say(f"{database.display} is sound")
    return ExitCode.FAILED if found else ExitCode.DONE


@db.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@json_option
@pass_app
def backup(app: App, /, file: Path | None, as_json: bool) -> int:
    """Copy a SQLite database, also while others use it.

    FILE is where the copy is to be; without it, it stands beside the database, named by the time.
    It holds all that was committed when it was begun, and is looked through once made. To go back
    to it: stop what uses the database, and put the copy in its place. PostgreSQL has pg_dump.
    """
    from voicereg.domain.errors import BackupFailed
    from voicereg.schema.backups import back_up_to
    from voicereg.schema.revisions import found_revision

    database = app.open_database()
    if database.path is None:
        raise click.UsageError(
            f"{database.display} is no SQLite file: use pg_dump, or voicereg db copy "
            "sqlite:///FILE for a copy that voicereg reads"
        )
    if found_revision(database) is None:
        raise BackupFailed(str(file or "a place beside it"), f"{database.display} is empty")
    if file is None:
        with database.read() as connection:
            now = database.now(connection)
        file = database.path.with_name(f"{database.path.name}.{now:%Y%m%dT%H%M%SZ}.backup")
    back_up_to(database, file)
    if as_json:
        print_json({"database": database.display, "backup": str(file)})
    else:
        app.say(f"a copy of {database.display} is {file}")
    return ExitCode.DONE


@db.command()
@click.argument("target", metavar="URL")
@json_option
@pass_app
def copy(app: App, /, target: str, as_json: bool) -> int:
    """Copy the whole registry to another database: from SQLite to PostgreSQL, or back.

    URL is that of an empty database, or of a SQLite file that is not there. Everything is copied:
    voices of every state, previews, tags, aliases, uses, the audit log, and what was warned of.
    Stop what uses the registry first. A copy that was interrupted goes on when the same command is
    given again; until it is complete and both were found to hold the same, no command works on it.
    """
    from voicereg.engine import Database
    from voicereg.registry.copies import copy_registry, count_rows
    from voicereg.settings import as_database_url

    source = app.open_database()
    other = Database.open(as_database_url(target), settings=app.settings.postgresql)
    click.get_current_context().call_on_close(other.close)
    with ExitStack() as stack:
        on_rows = None
        if app.shows_progress:
            from voicereg.cli.output.progress import rows_bar

            total = sum(count_rows(source).values())
            on_rows = stack.enter_context(rows_bar(total))
        done = copy_registry(source, other, on_rows=on_rows)
    if as_json:
        print_json(
            {
                "from": source.display,
                "to": other.display,
                "rows": dict(done.rows),
                "written": done.written,
                "removed": done.removed,
                "resumed": done.was_resumed,
            }
        )
        return ExitCode.DONE
    app.say(
        f"{other.display} holds the same as {source.display}: "
        f"{many(done.rows['voices'], 'voice')}, {many(sum(done.rows.values()), 'row')} in all"
    )
    app.say("let everything work on it from now on: --database, VOICEREG_DATABASE or the settings")
    return ExitCode.DONE
