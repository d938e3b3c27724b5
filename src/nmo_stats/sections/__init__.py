"""What results look like in words and tables: sections, built once, for a page and for a terminal."""
