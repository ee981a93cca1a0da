"""How results are printed: tables, JSON, CSV; and what may reach a terminal at all."""
