"""The pages of the reference, each made by the module of its name; ``generate`` writes them."""
