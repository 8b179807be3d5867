package sangam.viewers;

import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * Counts the sessions of a bucket of viewers: at the end of each slice those that are live, at the
 * end of each minute what was watched, and sessions that are over. One timer a bucket walks over its
 * sessions and hands on sums by content and code, so that few rows go further, whatever the content
 * that all watch. Sessions that rest wait in a map of their own, which only minutes look at.
 */
public class Viewing extends ProcessTableFunction {
    static final int ORDER = 6;
    static final int KIND = 7;
    static final int QUALITY = 8;
    static final int FATAL = 10;
    static final int ACCOUNT = 11;
    static final int DEVICE = 12;
    static final int STEPS = 13;
    static final int TOTALS = 16;
    static final int PLAY = 1;
    static final int PAUSE = 2;
    static final int STOP = 4;
    static final int BEAT = 5;
    static final int CHANGE = 6;
    static final int ERROR = 9;

    private static final String INPUT = "ROW<bucket INT, event_at TIMESTAMP_LTZ(3),"
        + " content_id STRING, session_id STRING, user_id STRING, session_key BIGINT,"
        + " order_key BIGINT, kind INT, quality INT, viewer INT, is_fatal BOOLEAN,"
        + " account_id STRING, device_key INT, played_ms BIGINT, rebuffered_ms BIGINT,"
        + " delivered_kilobits BIGINT, total_played_ms BIGINT, total_rebuffered_ms BIGINT,"
        + " total_delivered_kilobits BIGINT>";
    private static final String OUTPUT = "ROW<what INT, content_id STRING, dimension STRING,"
        + " dimension_value STRING, concurrent BIGINT, sessions BIGINT, failures BIGINT,"
        + " played_ms BIGINT, rebuffered_ms BIGINT, delivered_kilobits BIGINT, startup_ms BIGINT,"
        + " starts BIGINT, unique_viewers BIGINT, account_id STRING, device_key INT,"
        + " session_id STRING, user_id STRING, newest BIGINT, first_moment BIGINT,"
        + " play_key BIGINT, frame_moment BIGINT, last_key BIGINT, pauses BIGINT,"
        + " marks ARRAY<BIGINT>, gaps BIGINT, gap_sum BIGINT, gap_squares BIGINT>";
    private static final int COLUMNS = 27;
    private static final String TOLD = "settings";

    private transient Settings settings;
    private transient long now;

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType input = (DataType) factory.createDataType(INPUT);
        DataType text = (DataType) factory.createDataType("STRING");
        DataType key = (DataType) factory.createDataType("BIGINT");
        DataType session = (DataType) factory.createDataType(SessionState.class);
        DataType out = (DataType) factory.createDataType(OUTPUT);
        LinkedHashMap states = new LinkedHashMap();
        states.put("live", mapOf(key, session));
        states.put("quiet", mapOf(key, session));
        states.put("told", mapOf(text, text));
        return TypeInference.newBuilder()
            .staticArguments(new StaticArgument[] {
                StaticArgument.table(
                    "events", (DataType) input.bridgedTo(RowData.class), false, EnumSet.of(
                        StaticArgumentTrait.TABLE, StaticArgumentTrait.SET_SEMANTIC_TABLE,
                        StaticArgumentTrait.REQUIRE_ON_TIME)),
                StaticArgument.scalar("settings", text, false)})
            .stateTypeStrategies(states)
            .outputTypeStrategy(TypeStrategies.explicit((DataType) out.bridgedTo(RowData.class)))
            .build();
    }

    /** A map without time to live: sessions end by event time, and looking for old ones is dear. */
    private static StateTypeStrategy mapOf(DataType key, DataType value) {
        return StateTypeStrategy.of(
            TypeStrategies.explicit(MapView.newMapViewDataType(key, value)), Duration.ZERO);
    }

    /** Takes an event in and asks for the end of its slice. */
    public void eval(
            ProcessTableFunction.Context context, MapView live, MapView quiet, MapView told,
            RowData event, String text) throws Exception {
        if (settings == null) {
            settings = new Settings(text);
        }
        ProcessTableFunction.TimeContext time = context.timeContext(Long.class);
        Long mark = (Long) time.currentWatermark();
        long reached = mark == null ? Long.MIN_VALUE : mark.longValue();
        Long key = Long.valueOf(event.getLong(5));
        SessionState session = (SessionState) live.get(key);
        if (session == null) {
            session = (SessionState) quiet.get(key);
            if (session == null) {
                session = begin(event);
                told.put(TOLD, text);
            } else {
                quiet.remove(key);
            }
        }
        session.see(event, reached, settings);
        live.put(key, session);
        long at = SessionState.momentOf(event.getLong(ORDER));
        time.registerOnTime(Long.valueOf(settings.sliceOf(Math.max(at, reached + 1))));
    }

    private static SessionState begin(RowData event) {
        SessionState found = new SessionState();
        found.content = event.getString(2).toString();
        found.session = event.getString(3).toString();
        found.user = event.getString(4).toString();
        found.viewer = event.getInt(9);
        return found;
    }

    /** Hands on what counts at the end of a slice, and of a minute when one ends as well. */
    public void onTimer(
            ProcessTableFunction.OnTimerContext context, MapView live, MapView quiet, MapView told)
            throws Exception {
        if (settings == null) {
            settings = new Settings((String) told.get(TOLD));
        }
        ProcessTableFunction.TimeContext time = context.timeContext(Long.class);
        now = ((Long) time.time()).longValue();
        boolean isMinute = settings.minute > 0 && now % settings.minute == 0;
        boolean isAny = walk(live, quiet, isMinute);
        boolean isLeft = isMinute ? sweep(quiet) : settings.minute > 0 && !quiet.isEmpty();
        if (isAny) {
            time.registerOnTime(Long.valueOf(now + settings.slice));
        } else if (isLeft) {
            long past = Math.floorMod(now, settings.minute);
            time.registerOnTime(Long.valueOf(now - past + settings.minute));
        }
    }

    /** Counts the sessions that something happens in; whether any are left. */
    private boolean walk(MapView live, MapView quiet, boolean isMinute) throws Exception {
        Map tallies = new HashMap();
        boolean isAny = false;
        Iterator entries = live.iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            SessionState session = (SessionState) entry.getValue();
            Tally tally = (Tally) tallies.get(session.content);
            if (tally == null) {
                tally = new Tally(settings);
                tallies.put(session.content, tally);
            }
            session.settle(now);
            boolean isLive = SessionState.isFresh(session.settled, now, settings.timeout);
            if (isLive) {
                tally.add(SessionState.cellOf(session.settled));
            }
            if (isMinute) {
                session = closeMinute(session, tally);
            }
            if (isLive || session.pending.length > 0 || session.minutes.length > 0) {
                entry.setValue(session);
                isAny = true;
            } else {
                Object key = entry.getKey();
                entries.remove();
                if (settings.minute > 0) {
                    quiet.put(key, session);
                }
            }
        }
        for (Iterator all = tallies.entrySet().iterator(); all.hasNext();) {
            Map.Entry one = (Map.Entry) all.next();
            tell(StringData.fromString((String) one.getKey()), (Tally) one.getValue());
        }
        return isAny;
    }

    private SessionState closeMinute(SessionState session, Tally tally) {
        MinuteState minute = session.close(now, settings.usual);
        if (minute != null) {
            tally.add(minute, session.viewer);
            boolean isFresh = SessionState.isFresh(minute.newest, now, settings.timeout);
            if (isFresh && minute.account != null && minute.device != null) {
                GenericRowData row = row(3, StringData.fromString(session.content));
                row.setField(13, StringData.fromString(minute.account));
                row.setField(14, minute.device);
                collect(row);
            }
        } else if (isOver(session)) {
            tell(session);
            return session.renewed();
        }
        return session;
    }

    private boolean isOver(SessionState session) {
        return session.ended > 0 && session.ended + settings.gap <= now;
    }

    /** Ends sessions that were silent for too long; whether any are left. */
    private boolean sweep(MapView quiet) throws Exception {
        boolean isLeft = false;
        for (Iterator entries = quiet.iterator(); entries.hasNext();) {
            SessionState session = (SessionState) ((Map.Entry) entries.next()).getValue();
            if (isOver(session)) {
                tell(session);
            }
            if (session.ended == 0 || isOver(session)) {
                entries.remove();
            } else {
                isLeft = true;
            }
        }
        return isLeft;
    }

    private void tell(StringData content, Tally tally) {
        tally.countViewers();
        for (int code = 0; code < settings.codes; code++) {
            if (tally.live[code] > 0) {
                GenericRowData row = row(1, content, code);
                row.setField(4, Long.valueOf(tally.live[code]));
                collect(row);
            }
            if (tally.sums[code] != null) {
                GenericRowData row = row(2, content, code);
                for (int one = 0; one < Tally.SUMS; one++) {
                    row.setField(5 + one, Long.valueOf(tally.sums[code][one]));
                }
                row.setField(12, Long.valueOf(tally.viewers[code]));
                collect(row);
            }
        }
    }

    private void tell(SessionState session) {
        GenericRowData row = row(4, StringData.fromString(session.content));
        row.setField(7, Long.valueOf(session.played));
        row.setField(8, Long.valueOf(session.rebuffered));
        row.setField(9, Long.valueOf(session.kilobits));
        row.setField(15, StringData.fromString(session.session));
        row.setField(16, StringData.fromString(session.user));
        row.setField(17, Long.valueOf(session.newest));
        row.setField(18, Long.valueOf(session.first));
        row.setField(19, known(session.play));
        row.setField(20, known(session.frame));
        row.setField(21, Long.valueOf(session.last < 0 ? session.first * 16 : session.last));
        row.setField(22, Long.valueOf(session.pauses));
        row.setField(23, new GenericArrayData(session.marks));
        row.setField(24, Long.valueOf(session.gaps));
        row.setField(25, Long.valueOf(session.gap_sum));
        row.setField(26, Long.valueOf(session.gap_squares));
        collect(row);
    }

    private static Long known(long number) {
        return number == MinuteState.NONE ? null : Long.valueOf(number);
    }

    private GenericRowData row(int what, StringData content, int code) {
        GenericRowData row = row(what, content);
        row.setField(2, settings.names[code]);
        row.setField(3, settings.values[code]);
        return row;
    }

    private static GenericRowData row(int what, StringData content) {
        GenericRowData row = new GenericRowData(COLUMNS);
        row.setField(0, Integer.valueOf(what));
        row.setField(1, content);
        return row;
    }
}
