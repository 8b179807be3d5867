package sangam.core;

import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.rpc.AddressResolution;
import org.apache.flink.runtime.rpc.RpcSystem;
import org.apache.flink.runtime.rpc.RpcSystemLoader;
import org.apache.flink.runtime.rpc.pekko.PekkoRpcSystemLoader;

/**
 * One RPC system for all jobs of a process. A local job has a cluster of its own, and Flink unpacks
 * a library for each and loads its two thousand classes anew. The lowest priority is asked first.
 */
public final class SharedRpc implements RpcSystemLoader {
    private static RpcSystem shared;

    public int getLoadPriority() {
        return -1;
    }

    public RpcSystem loadRpcSystem(Configuration configuration) {
        synchronized (SharedRpc.class) {
            if (shared == null) {
                RpcSystem loaded = new PekkoRpcSystemLoader().loadRpcSystem(configuration);
                Runtime.getRuntime().addShutdownHook(new Closing(loaded));
                shared = new Kept(loaded);
            }
            return shared;
        }
    }

    /** Removes the unpacked library when the process ends. */
    private static final class Closing extends Thread {
        private final RpcSystem inner;

        Closing(RpcSystem inner) {
            this.inner = inner;
        }

        public void run() {
            inner.close();
        }
    }

    /** Does not close when the cluster of a job does. */
    private static final class Kept implements RpcSystem {
        private final RpcSystem inner;

        Kept(RpcSystem inner) {
            this.inner = inner;
        }

        public RpcSystem.RpcServiceBuilder localServiceBuilder(Configuration configuration) {
            return inner.localServiceBuilder(configuration);
        }

        public RpcSystem.RpcServiceBuilder remoteServiceBuilder(
                Configuration configuration, String address, String ports) {
            return inner.remoteServiceBuilder(configuration, address, ports);
        }

        public String getRpcUrl(
                String host, int port, String endpoint, AddressResolution resolution,
                Configuration configuration) throws UnknownHostException {
            return inner.getRpcUrl(host, port, endpoint, resolution, configuration);
        }

        public InetSocketAddress getInetSocketAddressFromRpcUrl(String url) throws Exception {
            return inner.getInetSocketAddressFromRpcUrl(url);
        }

        public long getMaximumMessageSizeInBytes(Configuration configuration) {
            return inner.getMaximumMessageSizeInBytes(configuration);
        }

        public void close() {}
    }
}
