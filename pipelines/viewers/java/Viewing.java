package sangam.viewers;

import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
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
    private static final String TOLD = "settings";

    private transient Settings settings;
    private transient long now;

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
        Long key = Long.valueOf(event.getLong(Events.KEY));
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
        long at = SessionState.momentOf(event.getLong(Events.ORDER));
        time.registerOnTime(Long.valueOf(settings.sliceOf(Math.max(at, reached + 1))));
    }

    private static SessionState begin(RowData event) {
        SessionState found = new SessionState();
        found.content = event.getString(Events.CONTENT).toString();
        found.session = event.getString(Events.SESSION).toString();
        found.user = event.getString(Events.USER).toString();
        found.viewer = event.getInt(Events.VIEWER);
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
            SessionState session = (SessionState) ((Map.Entry) entries.next()).getValue();
            if (isOver(session)) {
                collect(Rows.session(session));
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
                collect(Rows.slice(settings, content, code, tally.live[code]));
            }
            if (tally.sums[code] != null) {
                collect(Rows.minute(settings, content, code, tally));
            }
        }
    }
}
