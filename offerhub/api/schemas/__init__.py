"""Shapes of requests and answers, for reading the former and documenting both."""
