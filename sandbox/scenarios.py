"""The table of scenarios: the last two digits of the customer's number select one."""

from __future__ import annotations

from sandbox.plans import LegPlan, Post, Scenario

# Who is dialled when. An outbound call rings the agent first and then the customer.

ANSWERED = (
    LegPlan("agent", "outbound", "completed", after=0, rings=6, talks=34),
    LegPlan("customer", "outbound-dial", "completed", after=8, rings=10, talks=21),
)
BUSY = (
    LegPlan("agent", "outbound", "completed", after=0, rings=5, talks=9),
    LegPlan("customer", "outbound-dial", "busy", after=7, rings=5),
)
NOBODY = (
    LegPlan("agent", "outbound", "completed", after=0, rings=5, talks=36),
    LegPlan("customer", "outbound-dial", "no-answer", after=7, rings=32),
)
FAILED = (
    LegPlan("agent", "outbound", "completed", after=0, rings=5, talks=5),
    LegPlan("customer", "outbound-dial", "failed", after=7, rings=1),
)
AGENT_AWAY = (LegPlan("agent", "outbound", "no-answer", after=0, rings=31),)
AGENT_GIVES_UP = (
    LegPlan("agent", "outbound", "completed", after=0, rings=5, talks=12),
    LegPlan("customer", "outbound-dial", "canceled", after=7, rings=10),
)
UNKNOWN_STATUS = (ANSWERED[0], LegPlan("customer", "outbound-dial", "parked", after=8, rings=10, talks=21))

# An inbound call is over two seconds after the last agent is gone: in between comes the second Passthru.
INBOUND_ANSWERED = (
    LegPlan("customer", "inbound", "completed", after=0, rings=0, talks=44),
    LegPlan("agent", "outbound-dial", "completed", after=6, rings=9, talks=27),
)
MISSED = (
    LegPlan("customer", "inbound", "completed", after=0, rings=0, talks=38),
    LegPlan("agent", "outbound-dial", "no-answer", after=6, rings=30),
)
THREE_AGENTS = (
    LegPlan("customer", "inbound", "completed", after=0, rings=0, talks=58),
    LegPlan("agent", "outbound-dial", "no-answer", after=6, rings=15),
    LegPlan("second agent", "outbound-dial", "busy", after=22, rings=3),
    LegPlan("third agent", "outbound-dial", "completed", after=26, rings=8, talks=22),
)
TRANSFERRED = (
    LegPlan("customer", "inbound", "completed", after=0, rings=0, talks=55),
    LegPlan("agent", "outbound-dial", "completed", after=6, rings=7, talks=15),
    LegPlan("second agent", "outbound-dial", "completed", after=29, rings=6, talks=18),
)
LISTENED_IN = (
    *INBOUND_ANSWERED,
    LegPlan("supervisor", "monitor", "completed", after=20, rings=4, talks=15, last_action="listen"),
)
SIP_AGENT = (
    INBOUND_ANSWERED[0],
    LegPlan("SIP agent", "outbound-dial", "completed", after=6, rings=9, talks=27),
)
CALLER_HANGS_UP = (
    LegPlan("customer", "inbound", "completed", after=0, rings=0, talks=19),
    LegPlan("agent", "outbound-dial", "canceled", after=6, rings=12),
)

# What is posted when. Exotel has no StatusCallback for inbound calls, only Passthru.

FLOW = (Post("passthru", "connect"), Post("passthru", "connect over"))
# The events for agents' screens, for each of the three agents; only the third one answers.
POPUPS = (
    Post("passthru", "dialled", "Dial", callee=0),
    Post("passthru", "hung up", "Terminal", callee=0),
    Post("passthru", "dialled", "Dial", callee=1),
    Post("passthru", "hung up", "Terminal", callee=1),
    Post("passthru", "dialled", "Dial", callee=2),
    Post("passthru", "answered", "Answered", callee=2),
    Post("passthru", "hung up", "Terminal", callee=2),
)
FOUR_FIELDS = Post("status", "call over")
TERMINAL = Post("status", "call over", "terminal")
LEG_1_ANSWERED = Post("status", "dialled", "answered")
LEG_2_ANSWERED = Post("status", "answered", "answered")

_LATE = 600  # seconds of call time: ten minutes, as integrators report

_ENTRIES = (
    # 01 to 06: how an outbound call ends
    Scenario(1, "answered", "agent first, then the customer; both talk", ANSWERED, (TERMINAL,)),
    Scenario(2, "busy", "the customer is busy", BUSY, (FOUR_FIELDS,)),
    Scenario(3, "nobody", "the customer does not pick up", NOBODY, (TERMINAL,)),
    Scenario(4, "failed", "the customer's number does not exist", FAILED, (FOUR_FIELDS,)),
    Scenario(5, "agent-away", "the agent does not pick up: no second leg", AGENT_AWAY, (TERMINAL,)),
    Scenario(6, "agent-gives-up", "the agent hangs up while it rings", AGENT_GIVES_UP, (TERMINAL,)),
    # 10 to 16: how an inbound call ends
    Scenario(10, "inbound", "the customer calls, an agent answers", INBOUND_ANSWERED, FLOW),
    Scenario(11, "missed", "the customer calls, nobody answers", MISSED, FLOW),
    Scenario(12, "three-agents", "three agents tried, the third answers", THREE_AGENTS, (*FLOW, *POPUPS)),
    Scenario(13, "transferred", "talks to one agent, then to another", TRANSFERRED, FLOW),
    Scenario(14, "listened-in", "a supervisor listens in", LISTENED_IN, FLOW),
    Scenario(15, "sip-agent", "the agent answers on a softphone (`sip:`)", SIP_AGENT, FLOW),
    Scenario(16, "caller-hangs-up", "the customer hangs up while it rings", CALLER_HANGS_UP, FLOW),
    # 20 to 28: what the legs look like
    Scenario(
        20,
        "legs-late",
        "the first two reads have only the caller's leg, still `in-progress`",
        INBOUND_ANSWERED,
        FLOW,
        reads=("caller only", "caller only"),
    ),
    Scenario(
        21,
        "count-below-total",
        "the first two reads lack a leg: `Count` < `Total`",
        INBOUND_ANSWERED,
        FLOW,
        reads=("short", "short"),
    ),
    Scenario(
        22,
        "count-below-total-for-ever",
        "every read lacks a leg: `Count` < `Total`",
        INBOUND_ANSWERED,
        FLOW,
        then="short",
    ),
    Scenario(
        23,
        "leg-in-progress",
        "in the first read the last leg is `in-progress`",
        ANSWERED,
        (TERMINAL,),
        reads=("in progress",),
    ),
    Scenario(24, "unknown-status", "a leg is `parked`, a status nobody knows", UNKNOWN_STATUS, (TERMINAL,)),
    Scenario(25, "xml", "always XML, `.json` or not", ANSWERED, (TERMINAL,), then="xml"),
    Scenario(
        26,
        "odd-values",
        "durations as strings, `null` as text, epoch times, unknown keys",
        ANSWERED,
        (TERMINAL,),
        then="odd",
    ),
    Scenario(
        27,
        "changed-later",
        "the first read looks final but lacks the agent's leg, which later reads have",
        INBOUND_ANSWERED,
        FLOW,
        reads=("settled too early",),
    ),
    Scenario(28, "no-legs-at-first", "the first read is an empty list", ANSWERED, (TERMINAL,), reads=("no legs",)),
    # 30 to 38: what goes wrong on the way
    Scenario(30, "400-first", "the first read is a 400", ANSWERED, (TERMINAL,), reads=("400",)),
    Scenario(31, "404-at-first", "the first two reads are a 404", ANSWERED, (TERMINAL,), reads=("404", "404")),
    Scenario(32, "404-for-ever", "every read is a 404", ANSWERED, (TERMINAL,), then="404"),
    Scenario(33, "429", "the first read is a 429 with `Retry-After: 2`", ANSWERED, (TERMINAL,), reads=("429",)),
    Scenario(34, "500", "the first read is a 500", ANSWERED, (TERMINAL,), reads=("500",)),
    Scenario(35, "slow", "every read takes 3 s", ANSWERED, (TERMINAL,), then="slow"),
    Scenario(
        36,
        "html-502",
        "the first read is a 502 with an HTML page",
        ANSWERED,
        (TERMINAL,),
        reads=("html 502",),
    ),
    Scenario(
        37,
        "html-200",
        "the first read is a 200 with an HTML page",
        ANSWERED,
        (TERMINAL,),
        reads=("html 200",),
    ),
    Scenario(38, "cut-off", "the first read breaks off mid-body", ANSWERED, (TERMINAL,), reads=("cut off",)),
    # 40 to 48: how the callbacks come
    Scenario(40, "callback-twice", "the same StatusCallback twice", ANSWERED, (TERMINAL, TERMINAL)),
    Scenario(
        41,
        "callback-late",
        "the StatusCallback comes ten minutes late",
        ANSWERED,
        (Post("status", "call over", "terminal", delay=_LATE),),
    ),
    Scenario(42, "callback-never", "no callback: only the calls list knows", ANSWERED, ()),
    Scenario(
        43,
        "callback-json",
        "the StatusCallback is JSON",
        ANSWERED,
        (Post("status", "call over", "terminal", form="json"),),
    ),
    Scenario(
        44,
        "callback-urlencoded",
        "the StatusCallback is an ordinary form",
        ANSWERED,
        (Post("status", "call over", "terminal", form="urlencoded"),),
    ),
    Scenario(
        45,
        "events",
        "`answered` for each leg while the call runs, then `terminal`",
        ANSWERED,
        (LEG_1_ANSWERED, LEG_2_ANSWERED, TERMINAL),
    ),
    Scenario(
        46,
        "events-out-of-order",
        "a stale `answered` after `terminal`",
        ANSWERED,
        (TERMINAL, Post("status", "answered", "answered", delay=60)),
    ),
    Scenario(
        47,
        "flow-and-status",
        "a flow called by the API: Passthru mid-call, four fields at the end",
        ANSWERED,
        (Post("passthru", "connect"), FOUR_FIELDS),
    ),
    Scenario(
        48,
        "ping-first",
        "an empty POST first, then the StatusCallback",
        ANSWERED,
        (Post("status", "dialled", form="ping"), TERMINAL),
    ),
)

SCENARIOS = {entry.code: entry for entry in _ENTRIES}
BY_NAME = {entry.name: entry for entry in _ENTRIES}


def scenario_of(number: str) -> Scenario:
    """Return the scenario of a customer's number, by its last two digits; unknown digits mean "answered"."""
    last = number[-2:]
    return SCENARIOS.get(int(last), SCENARIOS[1]) if last.isdecimal() else SCENARIOS[1]
