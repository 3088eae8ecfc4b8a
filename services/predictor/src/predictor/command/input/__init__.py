"""Tables in text files and pipes: opened, split into cells, read as rows, each row accounted for."""
