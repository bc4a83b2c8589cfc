"""One file per kind of database whose numbers can be read; found by looking in this folder."""
