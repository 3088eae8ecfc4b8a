"""How each second is judged: the newest windows of a series against its last ten minutes."""
