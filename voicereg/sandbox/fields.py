"""Reading typed fields out of a request's JSON objects.

A field that is ``null`` counts as absent: SDKs differ in whether they leave out what the
user did not give.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voicereg.sandbox.errors import invalid_parameter


class Fields:
    """One JSON object of a request, read field by field.

    Args:
        values: the object.
        where: how messages name it, such as ``input``.
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._where = where

    def name_of(self, field: str) -> str:
        """Return how messages name one field, such as ``input.prefix``."""
        return f"{self._where}.{field}" if self._where else field

    def has(self, field: str) -> bool:
        """Return whether the field is there with something in it (not null, not ``""``)."""
        value = self._values.get(field)
        return value is not None and value != ""

    def text(self, field: str) -> str:
        """Return a required string, which may be empty.

        Raises:
            ApiError: ``InvalidParameter`` where it is absent or no string.
        """
        value = self.optional_text(field)
        if value is None:
            raise invalid_parameter(f"{self.name_of(field)} is required.")
        return value

    def optional_text(self, field: str) -> str | None:
        """Return a string, or None where it is absent.

        Raises:
            ApiError: ``InvalidParameter`` where it is no string, or holds half a surrogate
                pair, which no UTF-8 answer could repeat.
        """
        value = self._values.get(field)
        if value is None:
            return None
        if not isinstance(value, str):
            raise invalid_parameter(f"{self.name_of(field)} must be a string.")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise invalid_parameter(f"{self.name_of(field)} is not valid Unicode.")
        return value

    def integer(self, field: str, default: int) -> int:
        """Return an integer, or ``default`` where it is absent.

        Raises:
            ApiError: ``InvalidParameter`` where it is anything else, ``true`` and ``1.0``
                included.
        """
        value = self._values.get(field)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid_parameter(f"{self.name_of(field)} must be an integer.")
        return value

    def number(self, field: str, default: float) -> float:
        """Return a number, or ``default`` where it is absent.

        Raises:
            ApiError: ``InvalidParameter`` where it is anything else, ``true`` included.
        """
        value = self._values.get(field)
        if value is None:
            return default
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise invalid_parameter(f"{self.name_of(field)} must be a number.")
        return value

    def flag(self, field: str) -> bool:
        """Return whether the field is ``true``; absent is ``false``.

        Raises:
            ApiError: ``InvalidParameter`` where it is anything else.
        """
        value = self._values.get(field)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise invalid_parameter(f"{self.name_of(field)} must be true or false.")
        return value

    def texts(self, field: str) -> tuple[str, ...]:
        """Return a list of strings, empty where it is absent.

        Raises:
            ApiError: ``InvalidParameter`` where it is no list, or holds anything but strings.
        """
        value = self._values.get(field)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid_parameter(f"{self.name_of(field)} must be a list of strings.")
        return tuple(value)

    def object(self, field: str) -> Fields:
        """Return a nested object, empty where it is absent.

        Raises:
            ApiError: ``InvalidParameter`` where it is no object.
        """
        value = self._values.get(field)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise invalid_parameter(f"{self.name_of(field)} must be an object.")
        return Fields(value, self.name_of(field))
