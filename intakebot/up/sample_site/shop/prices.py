"""What things cost."""


def total(prices: list[int], discount: int = 0) -> int:
    """The sum in cents, less a discount in percent."""
    return sum(prices) * (100 - discount) // 100
