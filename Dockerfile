# The image of one service: docker build --build-arg SERVICE=ingest .
# `--target command-line` makes the image of the command line instead.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS uv
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.9
ENV PATH=/opt/uv/bin:$PATH \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON=python3 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build
# The lists of dependencies alone: a change of code does not install them again.
COPY pyproject.toml uv.lock ./
COPY shared/pyproject.toml shared/
COPY services/audit/pyproject.toml services/audit/
COPY services/inference/pyproject.toml services/inference/
COPY services/ingest/pyproject.toml services/ingest/
COPY services/review/pyproject.toml services/review/
COPY services/validator/pyproject.toml services/validator/

FROM uv AS service-dependencies
ARG SERVICE
RUN test -n "$SERVICE" || { echo "say which: --build-arg SERVICE=audit|inference|ingest|review|validator"; exit 1; }
RUN uv sync --quiet --locked --no-dev --package "glideslope-$SERVICE"

FROM uv AS all-dependencies
RUN uv sync --quiet --locked --no-dev --no-install-project --extra documents

# Compiled here, once: a container cannot write byte code, and would compile our own code again at
# each start. No file of an image changes, so none is checked against its source.
FROM ${BASE} AS code
COPY glideslope/ /app/glideslope/
COPY services/ /app/services/
COPY shared/ /app/shared/
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${BASE} AS base
# The state folder is this user's, so that a volume mounted there is too.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin glideslope \
    && install -d -o 10001 -g 10001 /var/lib/glideslope
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GLIDESLOPE_HOME=/var/lib/glideslope
WORKDIR /app
USER 10001:10001

FROM base AS command-line
COPY --from=all-dependencies /opt/venv /opt/venv
COPY --from=code /app ./
ENTRYPOINT ["python", "-m", "glideslope"]

FROM base AS service
ARG SERVICE
ENV SERVICE=${SERVICE}
COPY --from=service-dependencies /opt/venv /opt/venv
COPY --from=code /app/shared/ shared/
COPY --from=code /app/services/__init__.py services/
COPY --from=code /app/services/${SERVICE}/ services/${SERVICE}/
# /livez, /readyz and /metrics: a container has an address of its own, so the port can be fixed.
ENV GLIDESLOPE_HEALTH_HOST=0.0.0.0 \
    GLIDESLOPE_HEALTH_PORT=8080
EXPOSE 8080
# exec: the service itself gets SIGTERM and drains.
CMD ["sh", "-c", "exec python -m services.$SERVICE.app"]
