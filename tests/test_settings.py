"""Recording is switched for a block, a function or a thread, and always put back."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DTypeError
from autodiff.inspect.signals import step
from autodiff.settings import ROOT, Scope, current, inside, recording

x = ad.Tensor([1.0, 2.0], requires_grad=True)


def test_no_grad_computes_and_does_not_record() -> None:
    with ad.no_grad():
        assert not ad.is_recording()
        results = [x * 2, np.tanh(x), ad.sum(x), x[0], ad.stack([x, x]), 2 - x]
    assert ad.is_recording()
    assert not any(r.requires_grad for r in results)
    np.testing.assert_array_equal(results[0].data, [2.0, 4.0])
    assert x.requires_grad and (x * 2).requires_grad


def test_nesting() -> None:
    with ad.no_grad():
        with ad.enable_grad():
            assert (x * 2).requires_grad
            with ad.no_grad():
                assert not (x * 2).requires_grad
            assert ad.is_recording()
        assert not ad.is_recording()
    assert ad.is_recording()


def test_as_a_decorator_also_of_recursive_functions() -> None:
    @ad.no_grad()
    def depth(n: int) -> bool:
        """Whether any level records."""
        return ad.is_recording() or (n > 0 and depth(n - 1))

    assert not depth(3)
    assert ad.is_recording()
    assert depth.__name__ == "depth"


def test_one_object_may_be_entered_twice() -> None:
    block = ad.no_grad()
    with block, block:
        assert not ad.is_recording()
    assert ad.is_recording()


def test_an_error_puts_the_setting_back() -> None:
    with pytest.raises(ValueError, match="on purpose"), ad.no_grad():
        raise ValueError("on purpose")
    assert ad.is_recording()


def test_gradients_inside_no_grad() -> None:
    with ad.no_grad():
        np.testing.assert_array_equal(ad.grad(lambda x: ad.sum(x * x))(x), [2.0, 4.0])
        y = x * 2
        with ad.enable_grad():
            z = ad.sum(x * y)
        z.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])
    x.zero_grad()


def test_leaves_made_inside_no_grad_are_leaves() -> None:
    with ad.no_grad():
        leaf = ad.Tensor([1.0], requires_grad=True)
    (leaf * 3).backward()
    assert leaf.grad == 3.0


def test_another_thread_is_not_disturbed() -> None:
    seen = []
    with ad.no_grad():
        thread = threading.Thread(target=lambda: seen.append(ad.is_recording()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_another_context_is_not_disturbed() -> None:
    other = contextvars.copy_context()
    other.run(recording.set, None)
    assert ad.is_recording()
    assert not other.run(ad.is_recording)


def test_tasks_do_not_disturb_each_other() -> None:
    async def quiet() -> bool:
        with ad.no_grad():
            await asyncio.sleep(0.001)
            return ad.is_recording()

    async def loud() -> bool:
        await asyncio.sleep(0)
        return ad.is_recording()

    async def both() -> list[bool]:
        return await asyncio.gather(quiet(), loud(), quiet())

    assert asyncio.run(both()) == [False, True, False]


def test_a_generator_keeps_its_block_open_only_while_it_runs() -> None:
    def numbers() -> Iterator[bool]:
        yield ad.is_recording()
        with ad.no_grad():
            values = [ad.is_recording()]
        yield from values

    assert list(numbers()) == [True, False]
    assert ad.is_recording()


def test_one_object_may_be_shared_by_threads() -> None:
    block, errors = ad.no_grad(), []

    def work() -> None:
        try:
            for _ in range(300):
                with block:
                    assert not ad.is_recording()
                assert ad.is_recording()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_a_generator_cannot_be_decorated() -> None:
    with pytest.raises(DTypeError, match="generator"):

        @ad.no_grad()
        def values() -> Iterator[int]:
            yield 1


# Scopes


def where(value: ad.Tensor | ad.Scalar) -> str:
    """The scopes that a value was recorded in."""
    return step(value._node)


def test_ops_say_in_which_scope_they_were_recorded() -> None:
    outside = x * 2
    with ad.scope("outer"):
        before = x * 2
        with ad.scope("inner"):
            within = [x * 2, np.tanh(x), ad.sum(x), x[0], ad.stack([x, x]), ad.Scalar(2.0) * 3]
        after = x * 2
    assert (where(outside), where(before), where(after)) == ("", "outer", "outer")
    assert [where(v) for v in within] == ["outer / inner"] * len(within)
    assert outside._node.scope is ROOT


def test_two_blocks_of_one_name_are_two_scopes() -> None:
    block = ad.scope("same")
    with block:
        first, beside = x * 2, x * 3
    with block:
        second = x * 2
    assert first._node.scope is beside._node.scope
    assert first._node.scope is not second._node.scope
    assert where(first) == where(second) == "same"


def test_a_scope_may_be_entered_within_itself() -> None:
    block = ad.scope("same")
    with block, block:
        y = x * 2
    assert where(y) == "same / same"
    assert current.get() is ROOT


def test_a_scope_as_a_decorator() -> None:
    @ad.scope("step")
    def cube(x: ad.Tensor) -> ad.Tensor:
        return x * x * x

    assert where(cube(x)) == "step"
    with ad.scope("loop"):
        assert where(cube(x)) == "loop / step"


def test_an_error_ends_the_scope() -> None:
    with pytest.raises(ValueError, match="on purpose"), ad.scope("part"):
        raise ValueError("on purpose")
    assert current.get() is ROOT
    with pytest.raises(ValueError, match="on purpose"):
        inside("part", failing)
    assert current.get() is ROOT and recording.get() is ROOT


def failing() -> None:
    raise ValueError("on purpose")


def test_scopes_outlive_blocks_without_recording() -> None:
    with ad.scope("part"), ad.no_grad():
        assert not ad.is_recording()
        with ad.scope("quiet"):
            assert not ad.is_recording()
            with ad.enable_grad():
                assert where(x * 2) == "part / quiet"
        with ad.enable_grad():
            assert where(x * 2) == "part"


def test_inside_is_a_scope_for_one_call() -> None:
    assert where(inside("part", lambda a, b=1: a * b, x, b=3)) == "part"
    assert current.get() is ROOT
    with ad.no_grad():
        assert not inside("part", lambda: x * 2).requires_grad


def test_scopes_belong_to_their_thread_and_task() -> None:
    seen = []
    with ad.scope("here"):
        thread = threading.Thread(target=lambda: seen.append(where(x * 2)))
        thread.start()
        thread.join()
    assert seen == [""]

    async def named(name: str) -> str:
        with ad.scope(name):
            await asyncio.sleep(0.001)
            return where(x * 2)

    async def both() -> list[str]:
        return await asyncio.gather(named("a"), named("b"))

    assert asyncio.run(both()) == ["a", "b"]


def test_a_scope_watches_what_its_outer_one_watches() -> None:
    calls = []
    outer = Scope("outer", None, lambda *call: calls.append(call))
    assert Scope("inner", outer).watch is outer.watch
    assert Scope("alone").watch is None


@pytest.mark.parametrize("name", [None, 3, x])
def test_a_scope_takes_a_name(name: object) -> None:
    with pytest.raises(DTypeError, match="takes a name"):
        ad.scope(name)  # type: ignore[arg-type]
