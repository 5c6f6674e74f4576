from shop.prices import total


def test_prices_add_up():
    assert total([100, 250]) == 350


def test_a_discount_is_taken_off():
    assert total([1000], discount=10) == 900
