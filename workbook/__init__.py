"""The tool behind `python3 -m workbook`."""
