"""Runs migrations on a connection that the caller has locked, or on the configured database."""

from alembic import context
from sqlalchemy import Connection

from voicereg import settings
from voicereg.engine import Database
from voicereg.tables import is_described, metadata


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=is_described,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )
    context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    loaded = settings.load()
    database = Database.open(loaded.database_url(), settings=loaded.postgresql)
    with database.migrating() as connection:
        run(connection)
    database.close()
