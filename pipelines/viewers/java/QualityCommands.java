package sangam.viewers;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.flink.table.api.dataview.MapView;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;

/**
 * At most one change of quality a session and cool-down. Takes the wishes of the ladder, which SQL
 * made out of single readings, and keeps by bucket of viewers the last command of each session, until
 * two cool-downs after it: wishes that lie more than one behind the watermark get none, so that
 * nothing older can matter.
 */
public class QualityCommands extends ProcessTableFunction {
    private static final String INPUT = "ROW<bucket INT, event_at TIMESTAMP_LTZ(3),"
        + " session_id STRING, session_key BIGINT, at_ms BIGINT, quality INT, wish INT,"
        + " cell BIGINT>";
    private static final String OUTPUT =
        "ROW<session_id STRING, decided_ms BIGINT, quality INT, wish INT, cell BIGINT>";
    private static final int SESSION = 2;
    private static final int KEY = 3;
    private static final int AT = 4;
    private static final int QUALITY = 5;
    private static final int WISH = 6;
    private static final int CELL = 7;
    private static final int COLUMNS = 5;

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType input = (DataType) factory.createDataType(INPUT);
        DataType number = (DataType) factory.createDataType("BIGINT NOT NULL");
        DataType key = (DataType) factory.createDataType("BIGINT");
        DataType out = (DataType) factory.createDataType(OUTPUT);
        LinkedHashMap states = new LinkedHashMap();
        states.put("ends", StateTypeStrategy.of(
            TypeStrategies.explicit(MapView.newMapViewDataType(key, key)), Duration.ZERO));
        return TypeInference.newBuilder()
            .staticArguments(new StaticArgument[] {
                StaticArgument.table(
                    "wishes", (DataType) input.bridgedTo(RowData.class), false, EnumSet.of(
                        StaticArgumentTrait.TABLE, StaticArgumentTrait.SET_SEMANTIC_TABLE,
                        StaticArgumentTrait.REQUIRE_ON_TIME)),
                StaticArgument.scalar("cooldown_ms", number, false)})
            .stateTypeStrategies(states)
            .outputTypeStrategy(TypeStrategies.explicit((DataType) out.bridgedTo(RowData.class)))
            .build();
    }

    /** Passes a wish on unless the last command of its session is too fresh, or newer. */
    public void eval(
            ProcessTableFunction.Context context, MapView ends, RowData wish, Long cooldown)
            throws Exception {
        ProcessTableFunction.TimeContext time = context.timeContext(Long.class);
        Long mark = (Long) time.currentWatermark();
        long pause = cooldown.longValue();
        long at = wish.getLong(AT);
        if (mark != null && at <= mark.longValue() - pause) {
            return;
        }
        Long key = Long.valueOf(wish.getLong(KEY));
        Long end = (Long) ends.get(key);
        if (end != null && at < end.longValue() - pause) {
            return;
        }
        long forgotten = at + 2 * pause;
        ends.put(key, Long.valueOf(forgotten));
        time.registerOnTime(Long.valueOf(-Math.floorDiv(-forgotten, pause) * pause));
        collect(command(wish, at));
    }

    private static GenericRowData command(RowData wish, long at) {
        GenericRowData row = new GenericRowData(COLUMNS);
        row.setField(0, wish.getString(SESSION));
        row.setField(1, Long.valueOf(at));
        row.setField(2, Integer.valueOf(wish.getInt(QUALITY)));
        row.setField(3, Integer.valueOf(wish.getInt(WISH)));
        row.setField(4, Long.valueOf(wish.getLong(CELL)));
        return row;
    }

    /** Forgets commands that no wish can meet any more. */
    public void onTimer(ProcessTableFunction.OnTimerContext context, MapView ends)
            throws Exception {
        long now = ((Long) context.timeContext(Long.class).time()).longValue();
        for (Iterator entries = ends.iterator(); entries.hasNext();) {
            if (((Long) ((Map.Entry) entries.next()).getValue()).longValue() <= now) {
                entries.remove();
            }
        }
    }
}
