"""Finance words: what they are worth, which way they move, and what is bad when it rises.

Written for this project. Values are on VADER's scale, -4 to 4. docs/sentiment.md explains the
groups; change VERSION whenever a score can change.
"""

from __future__ import annotations

from typing import Final, Literal

from grok_sauce.values import dataclass

VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class Move:
    """A word that says up (value > 0) or down (value < 0) of something.

    takes: "object" looks for what moves behind it first ("cuts costs"), "subject" before it.
    needs: "any" is worth nothing without a known thing that moves ("record"), "bad" nothing
    unless that is bad when it rises ("sticky"), "object" nothing without it behind the word
    ("snaps its losing streak"). reaches: may look past a comma.
    """

    value: float
    takes: Literal["subject", "object"] = "subject"
    needs: Literal["nothing", "any", "bad", "object"] = "nothing"
    reaches: bool = False


@dataclass(frozen=True, slots=True)
class Thing:
    """What moves. rise: 1 good, -1 bad, 0 neither. value: what it says where nothing moves it."""

    rise: Literal[1, 0, -1]
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Worth:
    """A word or phrase that says it all; 0 for one that says nothing."""

    value: float


@dataclass(frozen=True, slots=True)
class Sign:
    """What is no news itself: "not" turns what follows, "less" the move before it, "slow" one up.

    "stop" ends a clause. "aside" ends one too, and the clause it begins counts half: it tells
    what was before, or what for. "more" and "bit" behind a move make it larger or smaller.
    """

    what: Literal["not", "less", "slow", "stop", "aside", "more", "bit"]


Entry = Move | Thing | Worth | Sign


def _each(entry: Entry, words: str) -> dict[str, Entry]:
    """The same entry for words or phrases: split at commas."""
    return {" ".join(each.split()): entry for each in words.split(",") if each.strip()}


SMALL: Final = 1.0
PLAIN: Final = 1.6
LARGE: Final = 2.4

MOVES: Final[dict[str, Entry]] = {
    **_each(
        Move(PLAIN),
        """rise, rises, rose, risen, rising, climb, climbs, climbed, climbing, gain, gains, gained,
        gaining, jump, jumps, jumped, jumping, grow, grows, grew, grown, growing, advance,
        advances, advanced, advancing, rebound, rebounds, rebounded, rebounding, recover, recovers,
        recovered, recovering, increase, increases, increased, increasing, accelerate, accelerates,
        accelerated, accelerating, expand, expands, expanded, expanding, improve, improves,
        improved, improving, strengthen, strengthens, strengthened, strengthening, up, higher,
        upward, upbeat, outperform, outperforms, outperformed, quicken, quickens, heat up,
        heats up, heating up, pick up, picks up, picked up, bounce, bounces, bounced, bounce back,
        bounces back, widen, widens, widened, widening, mount, mounts, mounting, build, builds,
        deepen, deepens, deepened, deepening, stronger, faster""",
    ),
    **_each(
        Move(LARGE),
        """surge, surges, surged, surging, soar, soars, soared, soaring, rally, rallies, rallied,
        rallying, skyrocket, skyrockets, skyrocketed, rocket, rockets, rocketed, spike, spikes,
        spiked, spiking, boom, booms, booming, leap, leaps, leaped, leapt, explode, explodes""",
    ),
    **_each(
        Move(SMALL),
        """edge up, edges up, edged up, edge higher, edges higher, edged higher, inch up,
        inches up, inch higher, inches higher, tick up, ticks up, ticked up, firm, firms, firmed,
        creep up, creeps up, creep higher, creeps higher, nudge up, nudges up, nudge higher""",
    ),
    **_each(
        Move(-PLAIN),
        """fall, falls, fell, fallen, falling, drop, drops, dropped, dropping, slip, slips,
        slipped, slipping, slide, slides, slid, sliding, decline, declines, declined, declining,
        sink, sinks, sank, sunk, sinking, retreat, retreats, retreated, shrink, shrinks, shrank,
        shrinking, contract, contracts, contracted, contracting, weaken, weakens, weakened,
        weakening, slow, slows, slowed, slowing, slow down, slows down, cool, cools, cooled,
        cooling, cooler, decrease, decreases, decreased, decelerate, decelerates, soften, softens,
        softened, softening, fade, fades, faded, fading, wane, wanes, waned, waning, narrow,
        narrows, narrowed, narrowing, down, lower, downward, lag, lags, lagged, underperform,
        underperforms, underperformed, recede, recedes, receded, receding, abate, abates, abated,
        subside, subsides, subsided, weaker, slower, moderate, moderates, moderated, moderating,
        pull back, pulls back, pulled back, pullback, stumble, stumbles, stumbled, falter, falters,
        faltered, faltering, stall, stalls, stalled, stalling""",
    ),
    **_each(
        Move(-LARGE),
        """plunge, plunges, plunged, plunging, tumble, tumbles, tumbled, tumbling, crash, crashes,
        crashed, crashing, slump, slumps, slumped, slumping, plummet, plummets, plummeted,
        plummeting, collapse, collapses, collapsed, collapsing, nosedive, nosedives, nosedived,
        crater, craters, cratered, tank, tanks, tanked, tanking, sell off, sells off, selloff,
        selloffs, rout, routs, dive, dives, dived, wipeout, meltdown, bloodbath, freefall""",
    ),
    **_each(
        Move(-SMALL),
        """edge down, edges down, edged down, edge lower, edges lower, edged lower, inch down,
        inches down, inch lower, inches lower, tick down, ticks down, ticked down, ease, eases,
        eased, easing, dip, dips, dipped, dipping, drift lower, drifts lower, nudge lower,
        pare gains, pares gains, trim gains, trims gains, erase gains, erases gains, erased gains,
        give up gains, gives up gains""",
    ),
    **_each(
        Move(PLAIN, takes="object"),
        """raise, raises, raised, raising, lift, lifts, lifted, lifting, boost, boosts, boosted,
        boosting, hike, hikes, hiked, hiking, bolster, bolsters, bolstered, buoy, buoys, buoyed,
        spur, spurs, spurred, stoke, stokes, stoked, fuel, fuels, fueled, fuelled, double, doubles,
        doubled, doubling, triple, triples, tripled, revive, revives, revived, extend, extends,
        extended, ramp up, ramps up, increase in, rise in, jump in, surge in, add to, adds to,
        aggravate, heighten, heightens, heightened, reignite, reignites, reignited, spark, sparks,
        sparked""",
    ),
    **_each(
        Move(-PLAIN, takes="object"),
        """cut, cuts, cutting, slash, slashes, slashed, slashing, trim, trims, trimmed, trimming,
        lowers, lowered, lowering, reduce, reduces, reduced, reducing, halve, halves, halved, curb,
        curbs, curbed, tame, tames, tamed, calm, calms, calmed, soothe, soothes, soothed, drop in,
        fall in, decline in, slump in, plunge in, dampen, dampens, dampened, dent, dents, dented,
        erode, erodes, eroded, crush, crushes, crushed, scrap, scraps, scrapped, suspend, suspends,
        suspended, wipe out, wipes out, shed, sheds, shedding, hurt, hurts, quell, quells, relieve,
        relieves, allay, allays, pare, pares, pared, dash, dashes, dashed, weigh on, weighs on,
        weighed on, drag down, drags down, scale back, scales back, repay, repays, repaid""",
    ),
    **_each(
        Move(PLAIN + 0.4, reaches=True),
        """beat, beats, beating, top, tops, topped, topping, exceed, exceeds, exceeded, surpass,
        surpasses, surpassed, above forecast, above forecasts, above expectations, above estimate,
        above estimates, above consensus, better than expected, stronger than expected,
        ahead of forecasts, ahead of expectations, ahead of estimates, higher than expected,
        bigger than expected, larger than expected, blow past, blows past, record high,
        record highs, all time high, all time highs, new high, new highs, year high, fresh high,
        fresh highs, 52 week high, multi year high, highest since, highest in, highest level,
        at a record""",
    ),
    **_each(
        Move(-PLAIN - 0.4, reaches=True),
        """miss, misses, missed, missing, disappoint, disappoints, disappointed, trail, trails,
        below forecast, below forecasts, below expectations, below estimate, below estimates,
        below consensus, fall short, falls short, fell short, short of, shy of,
        weaker than expected, slower than expected, softer than expected, lower than expected,
        smaller than expected, cooler than expected, record low, record lows, all time low,
        all time lows, new low, new lows, year low, fresh low, fresh lows, 52 week low,
        multi year low, lowest since, lowest in, lowest level""",
    ),
    **_each(
        Move(PLAIN, needs="bad"),
        """hot, hotter, hotter than expected, sticky, stubborn, persistent, elevated, rampant,
        runaway, re emerge, resurface, resurfaces, linger, lingers, lingering, return, returns,
        loom, looms, looming, grip, grips, swirl, swirls, high, escalate, escalates, escalated,
        escalating, flare, flares, flare up, flares up, intensify, intensifies, rattle""",
    ),
    **_each(Move(-PLAIN, needs="bad"), "tame, muted, subdued, low, small, vanish, vanishes"),
    **_each(
        Move(-PLAIN, takes="object", needs="object"),
        "snap, snaps, snapped, end, ends, ended, erase, erases, erased, recoup, recoups, reverse, "
        "reverses, pause, pauses, paused, break, breaks, lose, loses, lost",
    ),
    **_each(Move(-SMALL, takes="object"), "delay, delays, delayed, postpone, postpones, postponed"),
    **_each(Move(PLAIN, needs="any"), "record, bigger, huge, massive, higher than ever"),
}

THINGS: Final[dict[str, Entry]] = {
    # Their rise reads well.
    **_each(
        Thing(1),
        """stock, stocks, share, shares, equity, equities, futures, index, dow, nasdaq, s&p,
        russell, profit, profits, earnings, revenue, revenues, sales, income, margin, margins,
        guidance, outlook, forecast, forecasts, dividend, dividends, payout, gdp, economy, output,
        production, orders, spending, payrolls, payroll, jobs, hiring, employment, wages, pay,
        exports, manufacturing, factory, factories, services, pmi, demand, traffic, deliveries,
        bookings, subscribers, users, market, markets, wall street, rating, ratings, price target,
        target, housing starts, home sales, retail sales, consumer spending, sentiment, morale,
        activity, investment, lending, permits, valuation, backlog, stimulus""",
    ),
    **_each(Thing(1, 0.8), "growth, rebound in"),
    **_each(
        Thing(1, 1.2),
        """winning streak, momentum, confidence, optimism, hope, hopes, surprise profit, appetite,
        rate cut hopes, rate cut bets, prospects, rate cut expectations, soft landing hopes,
        buyback, buybacks, special dividend, risk appetite""",
    ),
    # Their rise reads badly.
    **_each(
        Thing(-1),
        """inflation, consumer prices, producer prices, wholesale prices, import prices, cpi, ppi,
        pce, core cpi, core pce, price pressures, price growth, price gains, cost of living,
        unemployment, unemployment rate, jobless rate, jobless claims, claims, unemployment claims,
        cost, costs, expenses, deficit, deficits, trade gap, trade deficit, budget gap, debt,
        debts, debt load, borrowing costs, mortgage rates, mortgage rate, interest rates,
        interest rate, rates, rate, key rate, vix, volatility, fear gauge, gasoline prices,
        gas prices, pump prices, energy costs, energy bills, food prices, rents, grocery prices,
        taxes, inventories, premiums, wholesale inflation, core inflation, exposure""",
    ),
    **_each(
        Thing(-1, -1.0),
        "tariff, tariffs, duties, levies, risk, risks, short interest, retaliatory tariffs",
    ),
    **_each(
        Thing(-1, -1.6),
        """losing streak, fear, fears, worry, worries, concern, concerns, anxiety, jitters,
        tension, tensions, uncertainty, doubt, doubts, pessimism, gloom, losses, loss, layoffs,
        job cuts, job losses, delinquencies, recession, recession fears, inflation fears,
        inflation worries, rate hike fears, recession risk, recession odds, inflation concerns,
        growth fears, tariff fears, tariff threat, trade tensions, trade war fears, bad loans,
        write offs, charge offs, foreclosures, outages, recalls, trade war, stress, panic, crisis,
        pressure, pressures, slowdown, downturn, turmoil, shortage, shortages, threat, threats,
        banking fears, contagion, contagion fears, unrest, strikes, bankruptcies, defaults,
        insolvencies""",
    ),
    **_each(
        Thing(-1, -1.8),
        """lawsuit, lawsuits, probe, probes, investigation, investigations, antitrust case,
        charges, sanctions, export curbs, restrictions, shortfall, glut""",
    ),
    # They raise and cut rates, whether the rates are named or not.
    **_each(
        Thing(-1),
        """fed, federal reserve, ecb, boe, boj, boc, rba, rbnz, snb, fomc, powell, lagarde,
        central bank, central banks, policymakers, bank of england, bank of japan,
        bank of canada""",
    ),
    # One side's rise is the other side's fall.
    **_each(
        Thing(0),
        """yield, yields, treasury yields, bond yields, dollar, the dollar, euro, yen, pound, yuan,
        franc, sterling, greenback, price, prices, stake, prices paid, volume, oil output,
        opec output, holdings, capacity, temperature""",
    ),
}

WORTHS: Final[dict[str, Entry]] = {
    **_each(Worth(2.6), "blowout, stellar, blockbuster, windfall"),
    **_each(
        Worth(1.8),
        """upgrade, upgrades, upgraded, bullish, resilient, resilience, breakthrough, overweight,
        turnaround, outperformance, strong, robust, solid, win approval, wins approval, approved,
        approves, approval, cheer, cheers, cheered, soft landing, truce, ceasefire,
        return to profit, returns to profit, swings to profit, swing to profit, risk on,
        short squeeze, winners, all clear, strong buy, back in the black, to the black,
        meets main goal, meet main goal, meets primary endpoint, meet primary endpoint, meets goal,
        meet goal, thrive, thrives, thriving, upside, stimulus package, bail out""",
    ),
    **_each(
        Worth(1.2),
        """dovish, rate cut, rate cuts, rate reduction, rate reductions, tax cut, tax cuts,
        tax relief, cost cuts, cost cutting, cost savings, trade deal, trade agreement, deal,
        buy rating, outright buy, easing cycle, fed easing, policy easing, monetary easing,
        buy the dip, eases restrictions, deregulation, stabilize, stabilizes, stabilise,
        stabilises, stabilizing, accretive, expansion, recovery, settle, settles, settled,
        settlement, resume, resumes, reopen, reopens, reopening, partnership, meet expectations,
        meets expectations, meet estimates, meets estimates, wins contract, contract win,
        soft inflation, steadies, steadied, pause in rate hikes, relief, in the black""",
    ),
    **_each(
        Worth(-2.6),
        """bankruptcy, bankrupt, insolvency, insolvent, chapter 11, default, defaulted, defaulting,
        fraud, ponzi, embezzlement, delist, delisted, delisting, bank run, credit crunch,
        profit warning, profit warnings, hard landing, stagflation, depression, liquidation""",
    ),
    **_each(
        Worth(-1.8),
        """downgrade, downgrades, downgraded, bearish, sue, sues, sued, probed, investigates,
        investigated, subpoena, indicted, charged, antitrust, fined, fine, fines, penalty, recall,
        recalled, breach, hack, hacked, outage, warn, warns, warned, warning, warnings,
        slowdown in, shutdown, default risk, downturn in, correction, bear market, underweight,
        sell rating, dividend cut, dividend cuts, guidance cut, impairment, writedown, write down,
        goodwill charge, swings to loss, swing to loss, swung to a loss, in the red, into the red,
        to the red, as bad as feared, stops production, stops sales, red ink, halts trading,
        trading halted, ousted, resigns, resigned, accounting irregularities, restates,
        restatement, risk off, halted, halts production, debt ceiling standoff, bloodletting,
        headwinds, headwind, strike action, walkout, job losses mount, distressed, unprofitable,
        overvalued, yield curve inversion, inverted yield curve, inverts, lackluster, lacklustre,
        dismal, dire, bleak, grim, rejects bid, blocked, misconduct, money laundering,
        margin call""",
    ),
    **_each(
        Worth(-1.2),
        """hawkish, rate hike, rate hikes, rate increase, rate increases, tightening, tighten,
        tightens, tightening cycle, tax hike, tax hikes, tax increase, price war, dilution,
        dilutive, share sale, cautious, caution, wary, nervous, skittish, jittery, choppy,
        volatile, uncertain, bubble, overheated, squeeze, squeezed, pressured, under pressure,
        plant closures, store closures, weak, weakness, soft, sluggish, tepid, higher for longer,
        worse, worsen, worsens, worsened, worsening, struggle, struggles, struggling, retaliate,
        retaliates, retaliation, retaliatory, standoff, stalemate, deadlock, vulnerable, brace,
        braces, bracing""",
    ),
    **_each(
        Worth(0.0),
        """little changed, unchanged, flat, mixed, steady, in line with, as expected, on hold,
        holds rates, hold rates, held rates, keeps rates, keep rates, kept rates, leaves rates,
        leave rates, left rates, rate decision, rates steady, rates unchanged, cut off, cuts off,
        set up, sets up, start up, start ups, end up, line up, lineup, make up, top five, top 10,
        top ten, top stocks, top picks, top official, top executive, ramp, follow up, step down,
        steps down, stepping down, price cut, price cuts, write up, high yield, low cost,
        high frequency, growth stocks, value stocks, bear in mind, production cuts, output cuts,
        output cut, production cut, drop shipping, what to watch, things to know, up next,
        short term, long term, fall lineup, this fall, last fall, in the fall, rise of,
        top stories, economic growth forecast, beat reporter, gains tax, capital gains,
        capital gains tax, debt offering, debt sale, bond sale, debt ceiling, rate path,
        wage growth, double check""",
    ),
}

SIGNS: Final[dict[str, Entry]] = {
    **_each(
        Sign("not"),
        """no rush to, in no rush to, in no hurry to, no hurry to, no need for, no need to, avoid,
        fail to, fails to, failed to, unlikely to, no longer, avoids, avoided, avert, averts,
        averted, dodge, dodges, dodged, escape, escapes, escaped, rule out, rules out, ruled out,
        deny, denies, denied, prevent, prevents, prevented, shrug off, shrugs off, shrugged off,
        brush off, brushes off, brushed off, despite, defy, defies, defied, lack of, end of,
        free of, refutes, dismisses, dismiss, dismissed, drop charges""",
    ),
    **_each(
        Sign("less"),
        """less than expected, less than forecast, less than estimated, less than feared,
        less than anticipated, slower than forecast, slower than feared,
        more slowly than expected""",
    ),
    **_each(
        Sign("slow"),
        "slowest pace, slower pace, a slower pace, slowest rate, slowest since, weakest pace",
    ),
    **_each(
        Sign("stop"),
        """as, before, while, amid, on, but, and, with, since, because, when, though, although,
        even, if, whether, ahead of, due to, thanks to, or, until, once, sending, sends, send,
        pushing, pushes, helping""",
    ),
    **_each(
        Sign("aside"),
        """after, following, from, to avert, to avoid, to prevent, to stave off, to ward off,
        to escape, to fight, to combat, to offset, to counter""",
    ),
    **_each(
        Sign("more"),
        """fastest pace, a faster pace, fastest rate, fastest since, sharply, steeply, heavily,
        massively, strongly, big, hard, significantly""",
    ),
    **_each(Sign("bit"), "slightly, modestly, marginally, a bit, a touch, somewhat, a little"),
}

# VADER values these; in markets they are names of things.
NEUTRAL: Final = frozenset(
    _each(
        Worth(0.0),
        """no, surprise, surprises, surprised, surprising, await, awaits, awaited, stop, stops,
        hard, cancer, cancers, tumor, tumour, disease, heart, pain, migraine, weapon, weapons,
        launched, leave, leaves, intense, invite, invites, solution, solutions, outstanding,
        limited, grand, mandatory, urgent, sentence, please, true, straight, warm, recommend,
        recommends, retreat, prize, retire, sure, loves, love's, share, shares, interest,
        interests, interested, gross, crude, treasury, treasuries, security, securities, trust,
        trusts, energy, value, values, united, natural, number, matter, well, like, care, play,
        plays, credit, capital, super, best, free, fresh, great, greatest, kind, ready, special,
        smart, fair, party, pretty, yes, want, legal, create, created, join, original, significant,
        important, playing, player, players, positive, dominant, vision, alert, challenge,
        strength, lower, low, lows, lowest, top, cut, demand, growth, gains, gain, profit, profits,
        debt, strong, pay, paid, save, saved, saving, savings, asset, assets, fun, love, heaven,
        vital, active, commitment, commit, committed, determined, opportunity, chance, chances,
        novel, big, huge, art""",
    )
)

# Names with words that mean something elsewhere; matched as written.
NAMES: Final[tuple[str, ...]] = (
    "Advance Auto Parts", "Advance Auto", "Block Inc", "Boom Supersonic", "Cheesecake Factory",
    "Climb Bio", "Comfort Systems", "Cool Holdings", "Dollar General", "Dollar Tree",
    "Family Dollar", "Grab Holdings", "Honest Company", "Hope Bancorp", "Innovative Industrial",
    "Liberty Media", "Lucky Strike", "Natural Gas Services", "Raising Cane's", "Rise Gold",
    "Rocket Companies", "Rocket Lab", "Rocket Mortgage", "Surge Energy", "Top Glove",
    "Wells Fargo",
)  # fmt: skip
