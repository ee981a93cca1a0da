"""Tests of the scheduler: when rounds are due, who runs them, and what is told of them."""
