"""What the integration holds at once stays within a limit, whatever the number of overdispersions."""

from types import SimpleNamespace

import pytest

from nmo_stats.hierarchical.quadrature import engine


def solution(first, other, parts):
    """Return the sizes of a solution whose first overdispersion has fewer nodes than the others."""
    sizes = [first] + [other] * (parts - 1)
    joints = [SimpleNamespace(mass=SimpleNamespace(size=size)) for size in sizes]
    return SimpleNamespace(parts=tuple(SimpleNamespace(joint=joint) for joint in joints))


def test_all_overdispersions_together_are_bounded(monkeypatch):
    held = []

    def finer(before, _):
        sizes = [part.joint.mass.size for part in before.parts]
        grown = [int(size * engine._GROWTH) for size in sizes]
        found = solution(grown[0], grown[-1], round(len(sizes) * engine.REFINEMENT))
        held.append(sum(part.joint.mass.size for part in found.parts))
        assert len(held) < 20
        return found

    monkeypatch.setattr(engine, "compared", lambda *_: SimpleNamespace(failures=("too coarse",)))
    fine, accuracy = engine._until_settled(solution(100, 600_000, 10), finer, 0.0)
    assert max(held) <= 1.03 * engine._LARGEST_JOINTS  # the number of overdispersions is rounded
    assert max(held) > engine._LARGEST_JOINTS / 10
    assert accuracy.failures == ("too coarse",)
    assert fine.parts[0].joint.mass.size < engine._LARGEST_JOINT


@pytest.mark.parametrize(("size", "fits"), [(4_000_000, True), (5_000_000, False)])
def test_one_likelihood_keeps_its_limit(size, fits):
    assert engine._has_room_for_finer(solution(size, 0, 1)) is fits
