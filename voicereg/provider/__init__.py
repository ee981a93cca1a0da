"""The provider's voice management, over HTTP. Knows the wire; knows no database.

Nothing is imported here: the address of an account can be checked without loading the client.
"""
