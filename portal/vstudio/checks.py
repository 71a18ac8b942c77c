"""What holds for rooms, decisions and votes: every counter equals its rows, and one person votes once."""

from __future__ import annotations

from portal.checks import AnyCheck, Check

CHECKS: list[AnyCheck] = [
    Check(
        "rooms.total_votes_is_votes",
        "vstudio_sessions",
        "A room's total of votes is the number of its votes.",
        """
        SELECT s.id, s.total_votes, coalesce(v.votes, 0) FROM vstudio_sessions s LEFT JOIN (
            SELECT vstudio_session_id AS id, count(*) AS votes FROM vstudio_votes GROUP BY 1) v USING (id)
        WHERE s.total_votes <> coalesce(v.votes, 0)
        """,
    ),
    Check(
        "rooms.participant_count_is_participants",
        "vstudio_sessions",
        "A room's number of participants is how many there are.",
        """
        SELECT s.id, s.participant_count, coalesce(p.people, 0) FROM vstudio_sessions s LEFT JOIN (
            SELECT vstudio_session_id AS id, count(*) AS people FROM vstudio_participants GROUP BY 1) p USING (id)
        WHERE s.participant_count <> coalesce(p.people, 0)
        """,
    ),
    Check(
        "participants.votes_count_is_votes",
        "vstudio_participants",
        "A participant's votes are those that the person cast in the room.",
        """
        SELECT p.id, p.votes_count, coalesce(v.votes, 0) FROM vstudio_participants p LEFT JOIN (
            SELECT vstudio_session_id, user_id, count(*) AS votes FROM vstudio_votes GROUP BY 1, 2
        ) v USING (vstudio_session_id, user_id)
        WHERE p.user_id IS NOT NULL AND p.votes_count <> coalesce(v.votes, 0)
        """,
    ),
    Check(
        "votes.are_of_their_room",
        "vstudio_votes",
        "A vote is in the room of its decision.",
        """
        SELECT v.id, v.vstudio_session_id, d.vstudio_session_id FROM vstudio_votes v
        JOIN vstudio_decision_points d ON d.id = v.decision_point_id
        WHERE v.vstudio_session_id <> d.vstudio_session_id
        """,
    ),
    Check(
        "votes.are_one_a_person",
        "vstudio_votes",
        "A person, a wallet or a share counts once per decision.",
        """
        SELECT v.id, v.of, 'once' FROM (
            SELECT id, of, count(*) OVER (PARTITION BY decision_point_id, of) AS times FROM vstudio_votes
            CROSS JOIN LATERAL (VALUES (user_id::text), (wallet_address), (anonymous_id), (proving_token)) AS o (of)
            WHERE of IS NOT NULL
        ) v WHERE v.times > 1
        """,
    ),
    Check(
        "votes.are_in_time",
        "vstudio_votes",
        "A vote was cast after its decision opened and before it closed.",
        """
        SELECT v.id, greatest(v.created_at, v.updated_at), d.start_time || ' to ' || coalesce(d.end_time::text, 'open')
        FROM vstudio_votes v JOIN vstudio_decision_points d ON d.id = v.decision_point_id
        WHERE v.created_at < d.start_time OR greatest(v.created_at, v.updated_at) >= d.end_time
        """,
    ),
    Check(
        "votes.name_an_option",
        "vstudio_votes",
        "A vote on options is for one that the decision has.",
        """
        SELECT v.id, v.option_selected, 'one of ' || jsonb_path_query_array(d.options, '$[*].id')::text
        FROM vstudio_votes v JOIN vstudio_decision_points d ON d.id = v.decision_point_id
        WHERE v.option_selected IS NOT NULL AND d.options IS NOT NULL
          AND NOT jsonb_path_query_array(d.options, '$[*].id') ? v.option_selected
        """,
    ),
    Check(
        "decisions.results_count_the_votes",
        "vstudio_decision_points",
        "The results of a decision count its votes.",
        """
        SELECT d.id, d.results_json ->> 'totalVotes', coalesce(v.votes, 0) FROM vstudio_decision_points d LEFT JOIN (
            SELECT decision_point_id AS id, count(*) AS votes FROM vstudio_votes GROUP BY 1) v USING (id)
        WHERE d.results_json IS NOT NULL
          AND CAST(d.results_json ->> 'totalVotes' AS bigint) IS DISTINCT FROM coalesce(v.votes, 0)
        """,
    ),
    Check(
        "decisions.are_open_or_decided",
        "vstudio_decision_points",
        "A decision that was finalised is closed and has its results.",
        """
        SELECT id, 'finalised ' || results_computed_at || CASE WHEN is_active THEN ', open' ELSE '' END
               || CASE WHEN results_json IS NULL THEN ', without results' ELSE '' END, 'closed, with results'
        FROM vstudio_decision_points
        WHERE results_computed_at IS NOT NULL AND (is_active OR results_json IS NULL)
        """,
    ),
    Check(
        "rooms.are_about_their_artists_master",
        "vstudio_sessions",
        "A room is about a master of its artist.",
        """
        SELECT s.id, s.artist_id, m.artist_id FROM vstudio_sessions s JOIN masters m ON m.id = s.master_id
        WHERE s.artist_id <> m.artist_id
        """,
    ),
    Check(
        "rooms.are_live_one_at_a_time",
        "vstudio_sessions",
        "An artist has one live room at a time.",
        """
        SELECT id, 'one of ' || n || ' live rooms', '1' FROM (
            SELECT id, count(*) OVER (PARTITION BY artist_id) AS n FROM vstudio_sessions WHERE status = 'live') s
        WHERE n > 1
        """,
    ),
]
