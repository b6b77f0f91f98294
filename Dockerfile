# The image of a Cairn server: Python, the locked packages, and Cairn. Build it in a checkout: docker build -t cairn .
#
# The tag names a minor version of Python, so that a rebuild takes up its fixes. Who wants the same bytes each time gives
# the digest of the index of all platforms: --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-trixie


FROM ${PYTHON_IMAGE} AS build
WORKDIR /src

# What changes seldom comes first. Only wheels: a platform without them ends here, with the name of the package.
RUN python -m venv --without-pip /opt/cairn
COPY requirements-server.lock ./
RUN pip --python /opt/cairn/bin/python install --no-cache-dir --require-hashes --only-binary :all: \
    --requirement requirements-server.lock

# The builder of the package stays in this stage; its version and hashes are those of the whole lock.
COPY requirements.lock ./
RUN sed -n '/^setuptools==/,/^    #/p' requirements.lock > builder.lock && \
    pip install --no-cache-dir --require-hashes --only-binary :all: --requirement builder.lock

COPY pyproject.toml README.md LICENSE ./
COPY app ./app
COPY client ./client
COPY storage ./storage
COPY web ./web
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel . && \
    pip --python /opt/cairn/bin/python install --no-cache-dir --no-deps --no-index /wheel/*.whl


FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Cairn" \
    org.opencontainers.image.description="A private Dropbox: files sync through signed, deduplicated, verified chunks" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="Apache-2.0"

# A fixed number, so that the owner of /data is the same in every image. Any other user can be given with --user: nothing
# here is written to but /data and /tmp.
RUN groupadd --gid 1000 cairn && \
    useradd --uid 1000 --gid cairn --home-dir /data --no-create-home --shell /usr/sbin/nologin cairn && \
    install --directory --owner cairn --group cairn --mode 700 /data

COPY --from=build /opt/cairn /opt/cairn

ENV PATH=/opt/cairn/bin:$PATH \
    CAIRN_SERVER__HOST=0.0.0.0 \
    CAIRN_DATA__FOLDER=/data
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 8080

# -I: nothing that lies in the working folder is taken for a module.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-m", "app.healthcheck"]
ENTRYPOINT ["cairn"]
CMD ["serve"]
