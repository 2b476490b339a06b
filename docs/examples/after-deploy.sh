#!/bin/sh
# Waits until the connected tabs have moved to a build, refreshes the pages of those that have not, and waits once more.
# SITE: the site. BUILD: the id of the build that was deployed. SKEW_TOKEN or SKEW_COOKIE: who may see the figures.
# SKEW_ADMIN_SECRET: who may invalidate, where that is another secret.
set -eu

wait_for() {
  code=0
  skew-tui wait "$SITE" --version "$BUILD" --min-connections 0 --timeout "$1" || code=$?
  case $code in
    0) exit 0 ;;                                              # met
    124) ;;                                                   # some are left
    8) echo "A later release has taken over."; exit 0 ;;      # its own run looks after it
    *) exit "$code" ;;                                        # an error, or not authorized
  esac
}

wait_for "${PATIENCE:-20m}"

# A prefix is what every server knows: / reaches everybody, so a straggler there is left alone.
skew-tui stats "$SITE" --json |
  jq -r --arg build "$BUILD" '
    [.connections[] | select(.version != $build and .route != "/__skew/tui" and .route != "/") | .route] | unique[]' |
  while IFS= read -r route; do
    skew-tui invalidate "$SITE" "$route" --yes
  done

wait_for "${PATIENCE_AFTER:-5m}"
echo "Some tabs stay on an older build."
