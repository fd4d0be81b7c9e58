/// Every route, in the order of the documentation.
let routeTable: [Route] =
    serviceRoutes + reportRoutes + commandRoutes + accessRoutes + accountRoutes + liveRoutes + editRoutes

extension Route {
    static func get(
        _ path: String, _ summary: String, right: RouteRight = .read, parameters: [Parameter] = [],
        answer: Answer,
        failures: [Int] = [503], run: Run
    ) -> Route {
        Route(
            method: .get, path: path, summary: summary, right: right, parameters: parameters, answer: answer,
            failures: failures, run: run)
    }

    static func post(
        _ path: String, _ summary: String, right: RouteRight = .control, parameters: [Parameter] = [],
        body: Body = .none, maximumBodyBytes: Int = 16 * 1024, answer: Answer, failures: [Int] = [500, 503],
        run: Run
    ) -> Route {
        Route(
            method: .post, path: path, summary: summary, right: right, parameters: parameters, body: body,
            maximumBodyBytes: maximumBodyBytes, answer: answer, failures: failures, run: run)
    }
}
