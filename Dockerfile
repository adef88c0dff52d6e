# The service. Build: docker build -t followthrough:0.1.0 .
# It runs as uid 10001, writes to /var/lib/followthrough and /tmp alone, and reads followthrough.toml in
# /etc/followthrough, its working folder. Secrets come in as files or variables when it starts; none is in a layer.
ARG PYTHON=3.12.12-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY app app
COPY pipelines pipelines
RUN python -m venv /opt/followthrough && /opt/followthrough/bin/pip install --constraint constraints.txt .

FROM python:${PYTHON}
# git reads the repositories' mirrors. Debian removes a version from its archive when the next one comes, so a pinned
# one would break the build; the base image's tag is what is pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 followthrough \
    && useradd --uid 10001 --gid 10001 --create-home --home-dir /var/lib/followthrough \
        --shell /usr/sbin/nologin followthrough \
    && install -d /etc/followthrough
COPY --from=build /opt/followthrough /opt/followthrough
ENV PATH=/opt/followthrough/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /etc/followthrough
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["followthrough"]
CMD ["serve"]
