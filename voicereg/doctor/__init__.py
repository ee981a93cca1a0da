"""The doctor: looks for what is set up wrong, says how to mend it, and changes nothing.

``findings`` says what a finding is, ``checks`` which checks there are: a new one is a function
from a :class:`~voicereg.doctor.subject.Subject` to findings, and one entry there.
"""
