"""The contributor report: put together once, shown as a page, a text, tables or JSON."""
