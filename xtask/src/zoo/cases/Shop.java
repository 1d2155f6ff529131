import java.nio.file.*;
import java.util.*;

/** A victim whose operations make short-lived objects, beside a store of live ones that a file makes larger. */
class Shop {
    public static void main(String[] words) throws Exception {
        Path control = Path.of(words[0]);
        int garbage = Integer.parseInt(words[1]);
        List<byte[]> live = new ArrayList<>();
        long period = 10_000_000L;
        long due = System.nanoTime();
        long told = due + 250_000_000L;
        List<Long> latencies = new ArrayList<>();
        long wanted = 0;
        while (true) {
            due += period;
            long wait = due - System.nanoTime();
            if (wait > 0) {
                Thread.sleep(wait / 1_000_000, (int) (wait % 1_000_000));
            } else if (wait < -2_000_000_000L) {
                due = System.nanoTime();
            }
            int sum = 0;
            for (int i = 0; i < garbage; i++) {
                byte[] one = new byte[1000];
                one[i % 1000] = 1;
                sum += one[(i * 7) % 1000];
            }
            // A little at a time, or the heap is full before the collector can say so.
            for (int i = 0; i < 200 && live.size() < wanted; i++) {
                live.add(new byte[1000]);
            }
            latencies.add((System.nanoTime() - due) / 1000 + (sum < 0 ? 1 : 0));
            if (System.nanoTime() >= told) {
                told += 250_000_000L;
                Collections.sort(latencies);
                int last = latencies.size() - 1;
                System.out.println("sli " + latencies.size() + " 0 " + latencies.get(last * 99 / 100));
                System.out.flush();
                latencies.clear();
                if (Files.exists(control)) {
                    wanted = Long.parseLong(Files.readString(control).trim());
                }
            }
        }
    }
}
