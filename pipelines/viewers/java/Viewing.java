package sangam.viewers;

import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.FunctionContext;
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
 * that all watch. Sessions that rest wait in a map of their own, which only minutes look at. It also
 * turns wishes for another quality, which SQL finds in single readings, into commands: at most one a
 * session and cool-down.
 */
public class Viewing extends ProcessTableFunction {
    private static final String TOLD = "settings";

    private transient Settings settings;
    private transient EventRow event;
    private transient Codes codes;
    private transient Map contents;
    private transient long[] asked;
    private transient long now;

    public void open(FunctionContext context) throws Exception {
        event = new EventRow();
        codes = Codes.none();
        contents = new HashMap();
        asked = new long[1 << EventRow.BUCKET_BITS];
        Arrays.fill(asked, Long.MIN_VALUE);
    }

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType input = (DataType) factory.createDataType(Events.INPUT);
        DataType text = (DataType) factory.createDataType("STRING");
        DataType key = (DataType) factory.createDataType("BIGINT");
        DataType session = (DataType) factory.createDataType(SessionState.class);
        DataType out = (DataType) factory.createDataType(Rows.OUTPUT);
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

    /** Takes an event in, with what its reading wishes for, and asks for the end of its slice. */
    public void eval(
            ProcessTableFunction.Context context, MapView live, MapView quiet, MapView told,
            RowData input, String text) throws Exception {
        if (settings == null) {
            settings = new Settings(text);
        }
        ProcessTableFunction.TimeContext time = context.timeContext(Long.class);
        Long mark = (Long) time.currentWatermark();
        long reached = mark == null ? Long.MIN_VALUE : mark.longValue();
        long order = input.getLong(Events.ORDER);
        long at = SessionState.momentOf(order);
        read(input.getBinary(Events.MESSAGE));
        Long key = Long.valueOf(input.getLong(Events.KEY));
        SessionState session = (SessionState) live.get(key);
        if (session == null) {
            session = (SessionState) quiet.get(key);
            if (session == null) {
                session = begin(input.getInt(Events.VIEWER));
                told.put(TOLD, text);
            } else {
                quiet.remove(key);
            }
        }
        if (input.getInt(Events.VIEWER) % settings.sample == 0) {
            session.see(event, order, reached, settings);
        }
        int wish = input.getInt(Events.WISH);
        if (wish > 0 && session.isCommanded(at, reached, settings)) {
            collect(Rows.command(session.session, order, event.getInt(EventRow.QUALITY), wish));
        }
        live.put(key, session);
        ask(time, input.getInt(Events.BUCKET), settings.sliceOf(Math.max(at, reached + 1)));
    }

    private void read(byte[] message) {
        event.readFirst(message, codes);
        if (event.hasMore()) {
            event.readSecond(codes);
        }
    }

    /** Asks for the end of a slice; not once more where the last event of the bucket asked for it. */
    private void ask(ProcessTableFunction.TimeContext time, int bucket, long slice) {
        if (asked[bucket] != slice) {
            asked[bucket] = slice;
            time.registerOnTime(Long.valueOf(slice));
        }
    }

    private SessionState begin(int viewer) {
        SessionState found = new SessionState();
        found.content = shared(event.getString(EventRow.CONTENT).toString());
        found.session = event.getString(EventRow.SESSION).toString();
        found.user = event.getString(EventRow.USER).toString();
        found.viewer = viewer;
        return found;
    }

    /** The one text for a content that all its sessions share, for quick comparisons. */
    private String shared(String content) {
        Object known = contents.get(content);
        if (known == null) {
            contents.put(content, content);
            return content;
        }
        return (String) known;
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
            boolean isWaiting = session.pending.length > 0 || session.minutes.length > 0;
            boolean isHeld = settings.minute == 0 && session.isCooling(now, settings);
            if (isLive || isWaiting || isHeld) {
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
                collect(Rows.device(session.content, minute));
            }
        } else if (isOver(session)) {
            collect(Rows.session(session));
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
            Map.Entry entry = (Map.Entry) entries.next();
            SessionState session = (SessionState) entry.getValue();
            boolean isOver = isOver(session);
            if (isOver) {
                collect(Rows.session(session));
            }
            boolean isDone = isOver || session.ended == 0;
            if (isDone && !session.isCooling(now, settings)) {
                entries.remove();
                continue;
            }
            if (isDone) {
                entry.setValue(session.renewed());
            }
            isLeft = true;
        }
        return isLeft;
    }

    private void tell(StringData content, Tally tally) {
        tally.countViewers();
        for (int code = 0; code < settings.codes; code++) {
            if (tally.live[code] > 0) {
                collect(Rows.slice(settings, content, code, tally.live[code]));
            }
            if (tally.sums[code] != null) {
                collect(Rows.minute(settings, content, code, tally));
            }
        }
    }
}
