"""The sections of the page: a title says what was found, a caption how to read the picture."""

from datetime import UTC, datetime, timedelta

from pipelines.core.report import Badge, Block, Chart, Columns, Kpi, Note, Section, Table
from pipelines.core.report_parts import show_count, show_percent, show_seconds
from pipelines.viewers.dimensions import QUALITIES
from pipelines.viewers.preferences import likings
from pipelines.viewers.report import charts
from pipelines.viewers.report.data import MatchReport

INDIA = timedelta(hours=5, minutes=30)


def head_kpis(data: MatchReport) -> list[Kpi]:
    """Return the figures of the head line."""
    get = data.metrics.get
    p50 = get("startup_p50_ms")
    return [
        Kpi("Peak audience", show_count(get("peak_concurrent_viewers")), "sessions live", True),
        Kpi("Rebuffering", show_percent(get("rebuffering_ratio")), "of watch time", True),
        Kpi("Startup", show_seconds(p50 / 1000 if p50 else None), "median", True),
        Kpi("Events a second", show_count(get("events_per_second")), "counted", True),
        Kpi("Events", show_count(get("events"))),
        Kpi("Sessions", show_count(get("sessions"))),
        Kpi("Watched", f"{show_count(get('watch_hours'))} h"),
        Kpi("Bit rate", f"{show_count(get('average_bitrate_kbps'))} kbit/s", "mean over time"),
        Kpi("Left before a frame", show_percent(get("exit_before_start_share"))),
        Kpi("Failed", show_percent(get("failure_share")), "of sessions"),
        Kpi("Alerts", show_count(get("alerts"))),
    ]


def show_moment(at_ms: int) -> str:
    """Return the time of day in India."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC) + INDIA:%H:%M:%S}"


def audience_section(data: MatchReport) -> Section:
    """The audience curve."""
    total = data.slices[data.slices["dimension"] == "total"].groupby("at_ms")["concurrent"].sum()
    title = f"{show_count(total.max())} sessions were live at {show_moment(int(total.idxmax()))}"
    caption = (
        "A session is live for 30 s after a sign of life unless it paused or stopped. A point"
        " stands for the end of a 10 s window; red dots are alerts."
    )
    chart = Chart("audience", "Audience", charts.draw_audience(data.slices, data.alerts), caption)
    return Section("audience", "Audience", title, [chart])


def people_section(data: MatchReport) -> Section:
    """Who watched: regions, devices, networks, languages."""
    names = (("region", "Regions"), ("device", "Devices"), ("network", "Networks"),
             ("language", "Languages"))  # fmt: skip
    pictures: list[Block] = [
        Chart(name, label, charts.draw_values(data.slices, name)) for name, label in names
    ]
    lead = "At the largest audience. Each dimension sums to the total; what is not known says so."
    rows = data.slices[(data.slices["dimension"] == "region")]
    most = rows.groupby("dimension_value")["concurrent"].sum().idxmax()
    title = f"Most watched from {_plain(most)}"
    blocks = [Columns(pictures[:2]), Columns(pictures[2:])]
    return Section("people", "Viewers", title, blocks, lead)


def quality_strip(data: MatchReport) -> Section:
    """How well they saw it."""
    stalls = data.alerts[data.alerts["alert_type"] == "QUALITY_DROP"]
    fired = stalls[(stalls["state"] == "FIRING") & (stalls["viewer_region"] != "UNKNOWN")]
    region = str(fired["viewer_region"].iloc[0]) if len(fired) else None
    title = f"{show_percent(data.metrics.get('rebuffering_ratio'))} of the watch time was stalled"
    if region:
        title += f"; {_plain(region)} had a fault"
    legend = [(name, role) for name, role in zip(QUALITIES, charts.LADDER_ROLES, strict=True)]
    blocks: list[Block] = [
        Chart("ladder", "Quality of live sessions", charts.draw_ladder(data.slices),
              "Shares of the rungs, lowest at the bottom.", legend),
        Chart("stalls", "Rebuffering by region", charts.draw_stalls(data.minutes, region),
              "Stalled time over watch time in each minute, start-up left out; a line a region."),
    ]  # fmt: skip
    return Section("quality-of-experience", "Quality", title, [Columns(blocks)])


def alerts_section(data: MatchReport, most: int = 60) -> Section:
    """Alerts in their order; of the milestones only the last of each content."""
    is_step = data.alerts["alert_type"] == "MILESTONE"
    steps, alerts = data.alerts[is_step], data.alerts[~is_step]
    fired = int((alerts["state"] == "FIRING").sum())
    tones = {"HIGH": "bad", "MEDIUM": "warn", "LOW": "good"}
    rows = [
        (
            show_moment(int(one.at_ms)),
            Badge(_plain(one.alert_type), tones.get(str(one.severity), "plain")),
            str(one.state).lower(),
            _plain(one.viewer_region) if isinstance(one.viewer_region, str) else "all",
            show_percent(float(one.value), 1),
            show_percent(float(one.threshold), 1),
            str(one.action),
        )
        for one in alerts.head(most).itertuples()
    ]  # fmt: skip
    columns = ("time", "what", "state", "region", "value", "limit", "action")
    lead = "One row when a breach begins and one when it ends. Limits are scaled to the audience."
    title = f"{fired} alerts, {len(steps)} milestones"
    blocks: list[Block] = [Table(columns, rows, "llllrrl")] if rows else [Note("No alert fired.")]
    if len(steps):
        highest = steps.groupby("content_id")["threshold"].max().sort_values(ascending=False)
        told = ", ".join(f"{name} {show_count(value)}" for name, value in highest.items())
        blocks.append(Note(f"Last milestones passed: {told} viewers."))
    return Section("alerts", "Alerts", title, blocks, lead)


def _plain(symbol: object) -> str:
    return str(symbol).replace("_", " ").lower()


def trending_section(data: MatchReport) -> Section:
    """What is started most just now."""
    everywhere = data.trending[data.trending["region"] == "ALL"]
    rows = [(str(one.content_id), f"{one.score:,.1f}") for one in everywhere.itertuples()]
    first = rows[0][0] if rows else "nothing"
    caption = "Starts of sessions, each worth half after the half-life."
    table = Table(("content", "score"), rows, "lr", caption=caption)
    return Section("trending", "Trending", f"{first} leads at the end", [table])


def decisions_section(data: MatchReport) -> Section:
    """What players were told, and who is to be looked at."""
    told = sum(data.commands.values())
    commands = [(_plain(name), show_count(n)) for name, n in sorted(data.commands.items())]
    reasons = data.suspects["reason"].value_counts() if len(data.suspects) else {}
    suspects = [(_plain(name), show_count(n)) for name, n in sorted(dict(reasons).items())]
    blocks: list[Block] = [
        Table(("why a player changes", "commands"), commands, "lr",
              caption="At most one change a session in the cool-down of the ladder."),
        Table(("why somebody looks", "cases"), suspects or [("nobody was noticed", "0")], "lr",
              caption="An account with too many devices in a minute; heartbeats like a clock's."),
    ]  # fmt: skip
    title = (
        f"{show_count(told)} changes of quality, {show_count(len(data.suspects))} cases to look at"
    )
    return Section("decisions", "Decisions", title, [Columns(blocks)])


def tastes_section(data: MatchReport) -> Section:
    """What the viewers like who do more than watch the match."""
    liked = likings(data.preferences)
    rows = [(str(name), show_count(int(number))) for name, number in liked.items()]
    caption = "Weights of likes, shares and time watched fade to 1/e in a week."
    table = Table(("genre", "viewers who like it best"), rows, "lr", caption=caption)
    title = f"{show_count(len(data.preferences))} profiles of taste, most for {liked.index[0]}"
    return Section("tastes", "Tastes", title, [table])
