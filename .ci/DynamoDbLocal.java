import com.sun.net.httpserver.HttpServer;
import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.AbstractLocalDynamoDBServerHandler;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;
import software.amazon.dynamodb.services.local.server.LocalDynamoDBRequestHandler;
import software.amazon.dynamodb.services.local.shared.access.AmazonDynamoDBLocal;

/**
 * DynamoDB Local, and a port through which time passes for its streams. In Java it can be asked for that, over HTTP not.
 *
 * POST /rollover: every shard ends, and another takes its place. On AWS, and here, each does after about four hours.
 * POST /day: whatever is in a stream is a day older. After 24 hours a record is trimmed.
 */
public class DynamoDbLocal {
    /** The port of the clock, then the arguments of DynamoDB Local. */
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        String[] rest = Arrays.copyOfRange(arguments, 1, arguments.length);
        DynamoDBProxyServer server = ServerRunner.createServerFromCommandLineArgs(rest);
        Object handler = field(DynamoDBProxyServer.class, "serverHandler", server);
        Object requests = field(AbstractLocalDynamoDBServerHandler.class, "primaryHandler", handler);
        Object databases = field(LocalDynamoDBRequestHandler.class, "dbRequestHandlers", requests);

        HttpServer clock = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        clock.createContext("/", exchange -> {
            int status = 204;
            for (Object each : ((Map<?, ?>) databases).values()) {
                AmazonDynamoDBLocal database = (AmazonDynamoDBLocal) each;
                switch (exchange.getRequestURI().getPath()) {
                    case "/rollover" -> database.triggerShardRollovers();
                    case "/day" -> database.dilateEventTimes(TimeUnit.HOURS.toMillis(24) + 1);
                    default -> status = 404;
                }
            }
            exchange.sendResponseHeaders(status, -1);
            exchange.close();
        });
        server.start();
        clock.start();
    }

    private static Object field(Class<?> declaring, String name, Object of) throws Exception {
        Field field = declaring.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }
}
