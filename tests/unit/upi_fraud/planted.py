"""Who pays whom: one pattern of every kind, and what only looks like one."""

START = 1_767_225_600_000
MINUTE = 60_000


def planted():
    """Rows of `EDGE_COLUMNS`."""
    rows = []

    def pay(minute, payer, payee, rupees, device=None, shop=None):
        rows.append((START + int(minute * MINUTE), payer, payee, round(rupees * 100), device, shop))

    for n in range(9):  # nine payers within ten minutes, and Rs 27,000
        pay(n, f"victim{n}", "mule", 3_000)
    pay(12, "mule", "partner", 13_000)
    pay(14, "mule", "partner2", 12_500)
    for n in range(8):  # eight only
        pay(n, f"friend{n}", "organiser", 100)
    for n in range(40):  # a collection over three hours
        pay(200 + n * 4.5, f"colleague{n}", "collector", 201)
    pay(400, "a", "b", 5_000), pay(401, "b", "c", 4_900), pay(402, "c", "a", 4_800)
    pay(410, "d", "e", 5_000), pay(411, "e", "d", 4_900)  # to and fro
    pay(422, "f", "g", 5_000), pay(421, "g", "h", 4_900), pay(420, "h", "f", 4_800)  # wrong order
    for n in range(6):
        pay(500 + n, f"sharer{n}", "x", 100, device="crowded")
    for n in range(3):
        pay(500 + n, f"family{n}", "y", 100, device="home")
    for n in range(10):
        pay(600 + n, f"buyer{n}", "shop", 20_000, shop="M1")
    return rows
