package sangam.viewers;

import java.time.Duration;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.StateTypeStrategy;
import org.apache.flink.table.types.inference.StaticArgument;
import org.apache.flink.table.types.inference.StaticArgumentTrait;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;
import org.apache.flink.types.Row;

/**
 * At most one change of quality a session and cool-down. Takes the wishes of the ladder, which SQL
 * made out of single readings, and keeps one number a session: the event time of its last command.
 * Wishes older than that get none.
 */
public class QualityCommands extends ProcessTableFunction {
    private static final String OUTPUT =
        "ROW<decided_ms BIGINT, quality INT, wish INT, cell BIGINT>";

    public TypeInference getTypeInference(DataTypeFactory factory) {
        DataType input = (DataType) factory.createDataType(
            "ROW<session_id STRING, at_ms BIGINT, quality INT, wish INT, cell BIGINT>");
        DataType number = (DataType) factory.createDataType("BIGINT NOT NULL");
        DataType last = (DataType) factory.createDataType("ROW<last_ms BIGINT>");
        LinkedHashMap states = new LinkedHashMap();
        states.put("last", StateTypeStrategy.of(
            TypeStrategies.explicit(last), Duration.ofHours(1)));
        DataType out = (DataType) factory.createDataType(OUTPUT);
        return TypeInference.newBuilder()
            .staticArguments(new StaticArgument[] {
                StaticArgument.table("wishes", input, false,
                    EnumSet.of(StaticArgumentTrait.TABLE, StaticArgumentTrait.SET_SEMANTIC_TABLE)),
                StaticArgument.scalar("cooldown_ms", number, false)})
            .stateTypeStrategies(states)
            .outputTypeStrategy(TypeStrategies.explicit(out))
            .build();
    }

    /** Passes a wish on unless the last command of its session is too fresh, or newer. */
    public void eval(Row last, Row wish, Long cooldown) {
        Long before = (Long) last.getField(0);
        Long now = (Long) wish.getField(1);
        if (before != null && now.longValue() - before.longValue() < cooldown.longValue()) {
            return;
        }
        last.setField(0, now);
        Row out = new Row(4);
        out.setField(0, now);
        out.setField(1, wish.getField(2));
        out.setField(2, wish.getField(3));
        out.setField(3, wish.getField(4));
        collect(out);
    }
}
