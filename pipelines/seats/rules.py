"""Who may ask in which quota, and when: the rules a request meets before any place is counted.

Compiled functions over numbers; an entry of 0 in `refuse` means the request may compete.
"""

import numba as nb

from pipelines.seats.codes import (
    CHARTS,
    CHILD,
    DF,
    DISABLED,
    FEMALE,
    HP,
    LD,
    MILITARY,
    OPENS,
    SENIOR,
    SS,
    TATKAL_OPENS,
    TQ,
    ClassPlan,
    Int,
    Records,
    Row,
    Why,
)

HP_LIMIT = 2


@nb.njit(cache=True, nogil=True)
def traits_of_group(passengers: Records, first: Int, size: Int, alive: Int) -> tuple[Int, Int]:
    """Traits that all, and that any, of the passengers still travelling have.

    Args:
        passengers: rows of `PASSENGER`.
        first: row of the first passenger of the request.
        size: passengers asked for.
        alive: bits of those still travelling.
    """
    shared, present = ~0, 0
    for k in range(size):
        if alive >> k & 1:
            shared &= passengers[first + k].traits
            present |= passengers[first + k].traits
    return shared, present


@nb.njit(cache=True, nogil=True)
def is_ladies_group(passengers: Records, first: Int, size: Int, alive: Int) -> bool:
    """Every traveller is female or a child under 12, and one at least is female."""
    has_female = False
    for k in range(size):
        if alive >> k & 1:
            traits = passengers[first + k].traits
            if not traits & (FEMALE | CHILD):
                return False
            has_female |= bool(traits & FEMALE)
    return has_female


@nb.njit(cache=True, nogil=True)
def release_category(passengers: Records, first: Int, size: Int, alive: Int) -> int:
    """Category of the release order, as an index into `CATEGORIES`."""
    shared, present = traits_of_group(passengers, first, size, alive)
    if shared & SENIOR:
        return 0
    if is_ladies_group(passengers, first, size, alive):
        return 1
    if present & MILITARY:
        return 2
    return 3 if present & DISABLED else 4


@nb.njit(cache=True, nogil=True)
def is_eligible(quota: Int, passengers: Records, first: Int, size: Int) -> bool:
    """Whether the group may compete in a quota; all may in GN and TQ."""
    alive = (1 << size) - 1
    shared, present = traits_of_group(passengers, first, size, alive)
    if quota == SS:
        return bool(shared & SENIOR)
    if quota == LD:
        return is_ladies_group(passengers, first, size, alive)
    if quota == DF:
        return bool(present & MILITARY)
    if quota == HP:
        return bool(present & DISABLED) if size <= HP_LIMIT else False
    return True


@nb.njit(cache=True, nogil=True)
def refuse(plan: ClassPlan, request: Row, passengers: Records) -> int:
    """Reason to reject a request whatever is free, a code of `Why`; 0 lets it compete."""
    if request.at >= plan.times[CHARTS]:
        return Why.AFTER_CHART.value
    if request.at < plan.times[OPENS]:
        return Why.TOO_EARLY.value
    if request.quota == TQ:
        if request.size > plan.tatkal_limit:
            return Why.TATKAL_GROUP_SIZE.value
        if request.at < plan.times[TATKAL_OPENS]:
            return Why.TATKAL_NOT_OPEN.value
    if not is_eligible(request.quota, passengers, request.first, request.size):
        return Why.QUOTA_NOT_ELIGIBLE.value
    return 0
