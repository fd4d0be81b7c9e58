import ControlAPI
import Dashboard
import EventIO

/// The dashboard's files as the control API serves them.
let dashboardFiles: [StaticFile] = DashboardFile.all.map {
    StaticFile(path: $0.path, type: $0.type, tag: $0.tag, bytes: $0.bytes)
}

/// Lets the feed do what is due, once a second for as long as the loop turns.
func keepTicking(_ feed: LiveFeed, on loop: EventLoop) {
    @Sendable func again() {
        Task(executorPreference: loop) {
            await feed.tick()
            loop.schedule(afterSeconds: 1, again)
        }
    }
    loop.schedule(afterSeconds: 1, again)
}
