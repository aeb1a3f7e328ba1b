"""The agents of a call, by contract section 14: each who was tried, softphones too."""

from payloads.records import AGENT, CALLER, SECOND, answer_of, callback, data, legs_of

SIP = "sip:agentone1a2b3c"


def told(call):
    return [
        (agent["number"] or agent["number_raw"], agent["status"], agent["on_call_seconds"]) for agent in call["agents"]
    ]


def test_each_agent_who_was_tried_is_there_in_order_of_the_first_leg():
    busy, answered = ("outbound-dial", SECOND, "busy", 0), ("outbound-dial", AGENT, "completed", 21)
    call = data(legs_of(CALLER, busy, answered, ("monitor", "09000000003", "completed", 9)))
    assert told(call) == [("+919000000002", "busy", 0), ("+919000000001", "completed", 21)]


def test_an_agent_who_was_rung_twice_is_one_entry():
    call = data(
        legs_of(
            CALLER,
            ("outbound-dial", AGENT, "no-answer", 0),
            ("outbound-dial", SECOND, "busy", 0),
            ("outbound-dial", "+91" + AGENT[1:], "completed", "2.5"),
            ("outbound-dial", AGENT, "completed", 20),
            ("outbound-dial", SECOND, "failed", 0),
        )
    )
    assert told(call) == [("+919000000001", "completed", 22.5), ("+919000000002", "busy", 0)]


def test_a_softphone_is_an_agent_like_any_other():
    call = data(legs_of(CALLER, ("outbound-dial", AGENT, "no-answer", 0), ("outbound-dial", SIP, "completed", 27)))
    assert (call["agent"], call["agent_raw"]) == (None, SIP)
    assert call["agents"][1] == {
        "number": None,
        "number_raw": SIP,
        "number_kind": "sip",
        "status": "completed",
        "on_call_seconds": 27,
    }


def test_an_agent_with_a_number_has_no_need_of_the_raw_one():
    call = data(legs_of(CALLER, ("outbound-dial", AGENT, "completed", 27)))
    assert (call["agent"], call["agent_raw"]) == ("+919000000001", None)


def test_the_agent_of_an_outbound_call_is_its_caller_even_where_no_callback_tells():
    legs = legs_of(("outbound", AGENT, "completed", 34), ("outbound-dial", SECOND, "completed", 21))
    for callbacks in ([], [callback(From=AGENT, To=SECOND)]):
        assert told(data(legs, callbacks)) == [("+919000000001", "completed", 34)]


def test_the_softphone_of_an_outbound_call_is_named_where_its_callback_tells():
    legs = legs_of(("outbound", SIP, "completed", 34), ("outbound-dial", SECOND, "completed", 21))
    call = data(legs, [callback(From=SIP, To=SECOND)])
    assert (call["customer"], call["agent"], call["agent_raw"]) == ("+919000000002", None, SIP)


def test_parties_without_a_number_are_agents_each_of_its_own():
    call = data(legs_of(CALLER, ("outbound-dial", None, "busy", 0), ("outbound-dial", None, "completed", 3)))
    assert told(call) == [(None, "busy", 0), (None, "completed", 3)]


def test_a_call_of_no_known_direction_has_no_agents():
    assert data(legs_of(("elsewhere", AGENT, "completed", 9)))["agents"] == []


def test_the_published_answers_tell_their_agents():
    assert told(data(answer_of("S2"))) == [("+919000000012", "canceled", 0), (SIP, "completed", 20)]
