#include "CDashboardFiles.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define SCRIPT "text/javascript; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define FILE_AT(path, type, bytes) {path, type, bytes, sizeof bytes}

static const unsigned char index_html[] = {
#embed "../Dashboard/Web/index.html"
};
static const unsigned char access_js[] = {
#embed "../Dashboard/Web/ui/access.js"
};
static const unsigned char account_js[] = {
#embed "../Dashboard/Web/ui/account.js"
};
static const unsigned char actions_js[] = {
#embed "../Dashboard/Web/ui/actions.js"
};
static const unsigned char add_js[] = {
#embed "../Dashboard/Web/ui/add.js"
};
static const unsigned char api_js[] = {
#embed "../Dashboard/Web/ui/api.js"
};
static const unsigned char base_css[] = {
#embed "../Dashboard/Web/ui/base.css"
};
static const unsigned char caps_js[] = {
#embed "../Dashboard/Web/ui/caps.js"
};
static const unsigned char chart_js[] = {
#embed "../Dashboard/Web/ui/chart.js"
};
static const unsigned char column_chooser_js[] = {
#embed "../Dashboard/Web/ui/column-chooser.js"
};
static const unsigned char columns_js[] = {
#embed "../Dashboard/Web/ui/columns.js"
};
static const unsigned char dialogs_css[] = {
#embed "../Dashboard/Web/ui/dialogs.css"
};
static const unsigned char dialogs_js[] = {
#embed "../Dashboard/Web/ui/dialogs.js"
};
static const unsigned char dom_js[] = {
#embed "../Dashboard/Web/ui/dom.js"
};
static const unsigned char filters_js[] = {
#embed "../Dashboard/Web/ui/filters.js"
};
static const unsigned char format_js[] = {
#embed "../Dashboard/Web/ui/format.js"
};
static const unsigned char governed_js[] = {
#embed "../Dashboard/Web/ui/governed.js"
};
static const unsigned char governor_js[] = {
#embed "../Dashboard/Web/ui/governor.js"
};
static const unsigned char icon_svg[] = {
#embed "../Dashboard/Web/ui/icon.svg"
};
static const unsigned char keep_js[] = {
#embed "../Dashboard/Web/ui/keep.js"
};
static const unsigned char list_css[] = {
#embed "../Dashboard/Web/ui/list.css"
};
static const unsigned char list_js[] = {
#embed "../Dashboard/Web/ui/list.js"
};
static const unsigned char live_js[] = {
#embed "../Dashboard/Web/ui/live.js"
};
static const unsigned char main_js[] = {
#embed "../Dashboard/Web/ui/main.js"
};
static const unsigned char overview_js[] = {
#embed "../Dashboard/Web/ui/overview.js"
};
static const unsigned char panels_css[] = {
#embed "../Dashboard/Web/ui/panels.css"
};
static const unsigned char selection_js[] = {
#embed "../Dashboard/Web/ui/selection.js"
};
static const unsigned char store_js[] = {
#embed "../Dashboard/Web/ui/store.js"
};
static const unsigned char theme_js[] = {
#embed "../Dashboard/Web/ui/theme.js"
};
static const unsigned char torrent_edit_js[] = {
#embed "../Dashboard/Web/ui/torrent-edit.js"
};
static const unsigned char torrent_parts_js[] = {
#embed "../Dashboard/Web/ui/torrent-parts.js"
};
static const unsigned char torrent_js[] = {
#embed "../Dashboard/Web/ui/torrent.js"
};
static const unsigned char weir_webmanifest[] = {
#embed "../Dashboard/Web/ui/weir.webmanifest"
};

static const struct weir_dashboard_file files[] = {
    FILE_AT("/", "text/html; charset=utf-8", index_html),
    FILE_AT("/ui/access.js", SCRIPT, access_js),
    FILE_AT("/ui/account.js", SCRIPT, account_js),
    FILE_AT("/ui/actions.js", SCRIPT, actions_js),
    FILE_AT("/ui/add.js", SCRIPT, add_js),
    FILE_AT("/ui/api.js", SCRIPT, api_js),
    FILE_AT("/ui/base.css", STYLE, base_css),
    FILE_AT("/ui/caps.js", SCRIPT, caps_js),
    FILE_AT("/ui/chart.js", SCRIPT, chart_js),
    FILE_AT("/ui/column-chooser.js", SCRIPT, column_chooser_js),
    FILE_AT("/ui/columns.js", SCRIPT, columns_js),
    FILE_AT("/ui/dialogs.css", STYLE, dialogs_css),
    FILE_AT("/ui/dialogs.js", SCRIPT, dialogs_js),
    FILE_AT("/ui/dom.js", SCRIPT, dom_js),
    FILE_AT("/ui/filters.js", SCRIPT, filters_js),
    FILE_AT("/ui/format.js", SCRIPT, format_js),
    FILE_AT("/ui/governed.js", SCRIPT, governed_js),
    FILE_AT("/ui/governor.js", SCRIPT, governor_js),
    FILE_AT("/ui/icon.svg", "image/svg+xml", icon_svg),
    FILE_AT("/ui/keep.js", SCRIPT, keep_js),
    FILE_AT("/ui/list.css", STYLE, list_css),
    FILE_AT("/ui/list.js", SCRIPT, list_js),
    FILE_AT("/ui/live.js", SCRIPT, live_js),
    FILE_AT("/ui/main.js", SCRIPT, main_js),
    FILE_AT("/ui/overview.js", SCRIPT, overview_js),
    FILE_AT("/ui/panels.css", STYLE, panels_css),
    FILE_AT("/ui/selection.js", SCRIPT, selection_js),
    FILE_AT("/ui/store.js", SCRIPT, store_js),
    FILE_AT("/ui/theme.js", SCRIPT, theme_js),
    FILE_AT("/ui/torrent-edit.js", SCRIPT, torrent_edit_js),
    FILE_AT("/ui/torrent-parts.js", SCRIPT, torrent_parts_js),
    FILE_AT("/ui/torrent.js", SCRIPT, torrent_js),
    FILE_AT("/ui/weir.webmanifest", "application/manifest+json", weir_webmanifest),
};

const struct weir_dashboard_file *weir_dashboard_file_at(size_t index) {
    return index < sizeof files / sizeof *files ? &files[index] : NULL;
}
