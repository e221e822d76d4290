"""Tables for the judge of the failover benchmark."""

import unittest

import judge

FAULT, END = 5_000_000, 10_000_000


def row(user, due_s, took_ms=10, backend="a", status=200, method="GET", error="-", number=None, path="/page", tries=1):
    due = int(due_s * 1e6)
    return {"user": user, "due": due, "start": due, "end": due + took_ms * 1000, "method": method, "path": path,
            "status": status, "backend": backend, "id": number or f"{user}.{due}", "error": error, "tries": tries}


def verdict(rows, arrivals=(), **more):
    return judge.judge(rows, arrivals, FAULT, END, **{"victim": "a", **more})


class Moves(unittest.TestCase):
    def test_who_has_moved_and_who_is_on_two_nodes(self):
        for why, nodes_after, moved, two in (("stays", "aaa", 0, 0), ("moves once", "bbb", 1, 0),
                                             ("stays, then moves", "abb", 1, 0), ("returns", "bba", 1, 1), ("cannot decide", "bcb", 1, 1)):
            with self.subTest(why):
                rows = [row(1, 4)] + [row(1, 6 + i, backend=backend) for i, backend in enumerate(nodes_after)]
                got = verdict(rows)
                self.assertEqual((got["moved"], got["two_nodes"], got["moved_needlessly"]), (moved, two, 0))

    def test_a_user_of_another_node_has_no_reason_to_move(self):
        got = verdict([row(1, 4, backend="b"), row(1, 6, backend="c")])
        self.assertEqual((got["users_hit"], got["moved_needlessly"]), (0, 1))

    def test_what_was_begun_before_the_fault_says_nothing_about_after(self):
        got = verdict([row(1, 4), row(1, 6, backend="b"), row(1, 4.99, took_ms=3000, backend="a")])
        self.assertEqual(got["two_nodes"], 0)


class Waits(unittest.TestCase):
    def test_time_counts_from_the_fault_and_from_when_the_first_request_was_due(self):
        got = verdict([row(1, 4), row(1, 6, status=502, backend="-"), row(1, 7, took_ms=500, backend="b")])
        self.assertEqual((got["to_good"]["worst_ms"], got["wait"]["worst_ms"]), (2500, 1500))

    def test_a_request_in_flight_at_the_fault_counts(self):
        got = verdict([row(1, 4), row(1, 4.9, took_ms=2000, backend="b"), row(1, 8)])
        self.assertEqual(got["wait"]["worst_ms"], 2000)

    def test_no_good_answer_any_more(self):
        got = verdict([row(1, 4), row(1, 6, status=0, error="gave_up", backend="-")])
        self.assertEqual((got["wait"]["never"], got["wait"]["worst_ms"]), (1, None))


class Failures(unittest.TestCase):
    def test_kinds(self):
        got = verdict([row(1, 4), row(1, 6, status=502), row(1, 7, status=0, error="cut", method="POST")])
        self.assertEqual((got["safe_failed"], got["unsafe_failed"], got["errors"]), (1, 1, {"502": 1, "cut": 1}))

    def test_only_a_post_in_flight_may_be_lost(self):
        lost = dict(status=502, method="POST")
        self.assertEqual(verdict([row(1, 4.99, took_ms=50, **lost)])["unsafe_failed_not_in_flight"], 0)
        self.assertEqual(verdict([row(1, 6, **lost)])["unsafe_failed_not_in_flight"], 1)
        self.assertEqual(verdict([row(1, 6, **lost)], impacts=[FAULT, 6_005_000])["unsafe_failed_not_in_flight"], 0)

        crash = [(6_000_000, "2.1", "POST", "/crash")]
        self.assertEqual(verdict([row(1, 6, took_ms=50, **lost)], crash, impacts=[])["unsafe_failed_not_in_flight"], 0)

    def test_a_lost_login_is_no_failed_request(self):
        got = verdict([row(1, 4), row(1, 6, status=401), row(1, 7, status=401)])
        self.assertEqual((got["logins_lost"], got["safe_failed"]), (1, 0))

    def test_what_arrived_twice_was_executed_twice(self):
        arrivals = [(1, "1.1", "POST", "/order"), (2, "1.1", "POST", "/order"), (3, "1.2", "GET", "/page"), (4, None, "", "")]
        got = verdict([row(1, 4)], arrivals)
        self.assertEqual((got["unsafe_twice"], got["safe_twice"]), (1, 0))

    def test_the_poison_is_counted_by_itself(self):
        got = verdict([row(1, 4), row(2, 5, status=502, method="POST", path="/crash")], [(1, "2.1", "POST", "/crash")], killed=1)
        self.assertEqual((got["unsafe_failed"], got["poison_executed"], got["nodes_killed"]), (0, 1, 1))

    def test_promises(self):
        got = verdict([row(1, 4), row(1, 6, status=502)])
        self.assertEqual(judge.broken_promises("kill9", got), ["safe_failed = 1"])
        self.assertEqual(judge.broken_promises("slow", got), [])
        self.assertEqual(judge.broken_promises("stop", got), ["safe_failed = 1"])
        self.assertEqual(judge.broken_promises("poison", got), ["safe_failed = 1", "nodes_killed = 0"])

    def test_promises_of_a_silent_node(self):
        waits = dict(took_ms=2501)
        self.assertEqual(judge.broken_promises("stop", verdict([row(1, 4), row(1, 6, **waits)])), ["longest_safe_ms = 2501.0"])
        self.assertEqual(judge.broken_promises("blackhole", verdict([row(1, 4), row(1, 6, method="POST", **waits)])),
                         ["longest_unsafe_ms = 2501.0"])

    def test_promises_of_a_slow_node(self):
        late = verdict([row(1, 4), row(2, 4, backend="app2"), row(1, 6, took_ms=3000), row(2, 6, backend="app2", took_ms=3000)])
        self.assertEqual(judge.broken_promises("slow", late), ["over_1s_others = 1"])
        new = verdict([row(1, 4), row(3, 6, took_ms=3000)])
        self.assertEqual(judge.broken_promises("slow", new), [])
        self.assertEqual(len(judge.broken_promises("slow", {**new, "detected_ms": 700.0})), 1)


if __name__ == "__main__":
    unittest.main()
