"""WickiePay, which delivers to a listener: its attempts, and the replay of what it gave up during an outage.

Everything random comes from the listener's `Random`, so the same one gives the same outcome.
"""

from collections.abc import Iterable, Sequence
from random import Random

from analysis import assumptions
from analysis.listener import Listener, Steps
from analysis.outcome import Outcome


def run(listener: Listener, arrivals: Iterable[float], until: float) -> Outcome:
    """Sends a delivery at each of these moments, in order; stops the clock at `until`."""
    listener.env.process(_sender(listener, arrivals))
    listener.env.run(until=until)
    return listener.outcome


def poisson(rate: float, until: float, random: Random) -> Iterable[float]:
    """Moments of arrivals that know nothing of each other, `rate` a second on average."""
    moment = random.expovariate(rate)
    while moment < until:
        yield moment
        moment += random.expovariate(rate)


def _sender(listener: Listener, arrivals: Iterable[float]) -> Steps[None]:
    for number, moment in enumerate(arrivals):
        yield listener.env.timeout(moment - listener.env.now)
        listener.outcome.sent += 1
        listener.env.process(_deliver(listener, number, assumptions.pauses()))


def _deliver(listener: Listener, number: int, pauses: Sequence[float]) -> Steps[None]:
    """Tries until an attempt is answered 200 in time. What is given up during an outage is replayed once."""
    env, outcome, outage_ends = listener.env, listener.outcome, listener.out[1]
    struck = env.now < outage_ends
    taken = yield from _tries(listener, number, pauses)
    replay_at = outage_ends + assumptions.REPLAY_AFTER_SECONDS + assumptions.REPLAY_SECONDS * listener.random.random()
    if not taken and env.now < replay_at:
        yield env.timeout(replay_at - env.now)
        taken = yield from _tries(listener, number, pauses)
    if not taken:
        outcome.given_up.add(number)
    elif struck:
        outcome.recovered_at = env.now


def _tries(listener: Listener, number: int, pauses: Sequence[float]) -> Steps[bool]:
    env, outcome = listener.env, listener.outcome
    for pause in (0.0, *pauses):
        if pause:
            yield env.timeout(pause)
        asked = env.now
        status = yield from listener.answer(number)
        outcome.answers[status] += 1
        if status == 200 and env.now - asked <= assumptions.DEADLINE_SECONDS:
            outcome.times_to_200.append(env.now - asked)
            return True
        if status != 200 and asked >= listener.out[1]:
            outcome.refused[status] += 1
    return False
