package server

import (
	"fmt"
	"net/http"

	"github.com/VictoriaMetrics/metrics"

	"idsrl/envs/netsecgame/coordinator"
)

// roomMetrics count what happens in a room.
type roomMetrics struct {
	connections, agents *metrics.Gauge
	refused, cut        *metrics.Counter
	messages            [len(kinds)]*metrics.Counter // by kind
}

// kinds are the kinds of messages in metrics.
var kinds = [...]string{
	coordinator.Malformed: "malformed", coordinator.Act: "action", coordinator.Join: "join", coordinator.Quit: "quit",
	coordinator.Reset: "reset",
}

// newRoomMetrics registers the metrics of a room in set.
func newRoomMetrics(set *metrics.Set, room string) *roomMetrics {
	name := func(metric, labels string) string { return fmt.Sprintf("idsrl_%s{room=%q%s}", metric, room, labels) }
	m := &roomMetrics{
		connections: set.NewGauge(name("connections", ""), nil),
		agents:      set.NewGauge(name("agents", ""), nil),
		refused:     set.NewCounter(name("connections_refused_total", "")),
		cut:         set.NewCounter(name("connections_cut_total", "")),
	}
	for kind, label := range kinds {
		m.messages[kind] = set.NewCounter(name("messages_total", fmt.Sprintf(",kind=%q", label)))
	}
	return m
}

// metricsHandler answers GET /metrics in the text format of Prometheus.
func metricsHandler(set *metrics.Set) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		set.WritePrometheus(w)
		metrics.WriteProcessMetrics(w)
	})
	return mux
}
