"""``voicereg db``: the schema and the state of the database itself."""

from __future__ import annotations

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.tables import print_fields


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
