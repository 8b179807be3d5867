"""A Python thread meets the same thread of Flink's JVM at every call."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from py4j.java_gateway import GatewayClient

from pipelines.core.flink_gateway import keep_own_connections


class Client(GatewayClient):
    """py4j's client, with numbers for connections."""

    opened = 0

    def _create_connection(self) -> int:
        self.opened += 1
        return self.opened


def call(client: Client) -> int:
    connection = client._get_connection()
    client._give_back_connection(connection)
    return connection


def calls_around_another(client: Client) -> list[int]:
    """Connections of this thread's calls before, during and after a call of another thread."""
    met = [call(client)]
    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(client._get_connection).result()
        met.append(call(client))
        pool.submit(client._give_back_connection, taken).result()
        met += [call(client), pool.submit(call, client).result()]
    return met


def test_a_thread_keeps_its_connection_whatever_others_do():
    client = Client()
    opened_before = call(client)
    keep_own_connections(client)
    keep_own_connections(client)
    assert calls_around_another(client) == [opened_before, opened_before, opened_before, 2]
    assert len(client.deque) == 1


def test_a_call_within_a_call_opens_a_second_one_and_leaves_the_first_on_top():
    client = Client()
    keep_own_connections(client)
    outer = client._get_connection()
    assert call(client) != outer
    client._give_back_connection(outer)
    assert call(client) == outer


def test_the_common_pool_would_swap_them():
    assert len(set(calls_around_another(Client())[:3])) > 1


def test_a_thread_without_one_has_nothing_to_give():
    client = Client()
    keep_own_connections(client)
    with pytest.raises(IndexError):
        client.deque.pop()
