"""The evidence room from the outside: official vectors, hostile bytes, foreign implementations."""
