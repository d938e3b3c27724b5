"""What any table needs: reading a file to cells with row numbers, naming its columns, parsing a cell."""
