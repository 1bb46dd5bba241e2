"""The loop that lends its turn: two threads, one at a time, and neither forgets the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from emulator.loop.shared_loop import LoopLock, SharedLoop
from tests.waiting import give_way, until

#: Seconds that nothing here takes.
LONG_S = 60.0


@pytest.fixture
def loop() -> Iterator[SharedLoop]:
    loop = SharedLoop()
    yield loop
    loop.close()


def beside(loop: SharedLoop, guest: Callable[[], None], main: Coroutine[Any, Any, None]) -> None:
    """Runs ``main`` on the loop and, from its beginning on, ``guest`` in another thread.

    A loop that is not woken sleeps until the last moment.
    """
    last_moment = loop.time() + LONG_S

    async def both() -> None:
        thread = threading.Thread(target=guest)
        loop.call_soon(thread.start)
        await asyncio.wait_for(main, LONG_S)
        assert loop.time() < last_moment, "the loop was not woken"
        await loop.run_in_executor(None, thread.join)

    loop.run_until_complete(both())


def test_future_set_with_the_turn_wakes_the_sleeping_loop(loop: SharedLoop) -> None:
    future = loop.create_future()

    def guest() -> None:
        with loop.turn:
            future.set_result(None)

    async def main() -> None:
        await future

    beside(loop, guest, main())


def test_timer_planned_with_the_turn_goes_off_on_the_loop(loop: SharedLoop) -> None:
    went_off: asyncio.Future[int] = loop.create_future()

    def guest() -> None:
        with loop.turn:
            loop.call_later(0.01, lambda: went_off.set_result(threading.get_ident()))

    async def main() -> None:
        assert await went_off == threading.get_ident()

    beside(loop, guest, main())


def test_task_made_with_the_turn_runs_on_the_loop(loop: SharedLoop) -> None:
    ran: asyncio.Future[int] = loop.create_future()

    async def work() -> None:
        ran.set_result(threading.get_ident())

    def guest() -> None:
        with loop.turn:
            loop.act_as_running()
            asyncio.get_running_loop().create_task(work())

    async def main() -> None:
        assert await ran == threading.get_ident()

    beside(loop, guest, main())


def test_neither_ever_sees_the_others_work_half_done(loop: SharedLoop) -> None:
    state = [0, 0]
    torn: list[list[int]] = []

    def work() -> None:
        if state[0] != state[1]:
            torn.append(list(state))
        state[0] += 1
        give_way()
        state[1] += 1

    def guest() -> None:
        for _ in range(2000):
            with loop.turn:
                work()

    async def main() -> None:
        for _ in range(2000):
            work()
            await asyncio.sleep(0)

    beside(loop, guest, main())
    assert torn == []
    assert state == [4000, 4000]


def test_busy_guest_does_not_keep_the_loop_from_its_turn(loop: SharedLoop) -> None:
    enough = threading.Event()

    def guest() -> None:
        while not enough.is_set():
            with loop.turn:
                sum(range(1000))

    async def main() -> None:
        for _ in range(50):
            await asyncio.sleep(0.001)
        enough.set()

    try:
        beside(loop, guest, main())
    finally:
        enough.set()


def test_guest_gets_its_turn_from_a_busy_loop(loop: SharedLoop) -> None:
    done = threading.Event()

    def guest() -> None:
        for _ in range(50):
            with loop.turn:
                sum(range(1000))
        done.set()

    async def main() -> None:
        while not done.is_set():
            sum(range(1000))
            await asyncio.sleep(0)

    beside(loop, guest, main())


def test_owner_enters_again_while_another_thread_waits() -> None:
    turn, order = LoopLock(), []

    def wait_at_the_door() -> None:
        with turn:
            order.append("other")

    def enter_twice() -> None:
        with turn:
            other.start()
            until(lambda: turn.awaited, LONG_S, every_s=0)
            with turn:
                order.append("inner")
            order.append("outer")

    other = threading.Thread(target=wait_at_the_door, daemon=True)
    owner = threading.Thread(target=enter_twice, daemon=True)
    owner.start()
    owner.join(LONG_S)
    other.join(LONG_S)
    assert order == ["inner", "outer", "other"]


def test_inner_exit_does_not_give_the_turn_away() -> None:
    turn, entered = LoopLock(), threading.Event()

    def enter() -> None:
        with turn:
            entered.set()

    with turn:
        with turn:
            pass
        other = threading.Thread(target=enter, daemon=True)
        other.start()
        assert not entered.wait(0.05)
    assert entered.wait(LONG_S)


def test_thread_that_does_not_own_the_turn_cannot_give_it_away() -> None:
    turn = LoopLock()
    refused: list[BaseException] = []

    def leave() -> None:
        try:
            turn.__exit__()
        except RuntimeError as error:
            refused.append(error)

    with turn:
        thread = threading.Thread(target=leave)
        thread.start()
        thread.join(LONG_S)
    assert len(refused) == 1
    with pytest.raises(RuntimeError):
        turn.__exit__()


def test_many_threads_that_enter_again_and_again_never_meet() -> None:
    turn, met, counts = LoopLock(), [], [0]

    def work() -> None:
        for _ in range(500):
            with turn, turn:
                before = counts[0]
                give_way()
                with turn:
                    counts[0] = before + 1
                if counts[0] != before + 1:
                    met.append(before)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert (met, counts) == ([], [2000])
