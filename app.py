"""The app's entry: page list, theme, run."""

import streamlit as st

from rkdiff.ui.session import page_icon

st.set_page_config(page_title="rkdiff", page_icon=page_icon(), layout="wide", initial_sidebar_state="collapsed")
pages = [
    st.Page("pages/playground.py", title="Playground", url_path="playground", default=True),
    st.Page("pages/structured.py", title="Structured", url_path="structured"),
    st.Page("pages/schedules.py", title="Schedules", url_path="schedules"),
    st.Page("pages/transport.py", title="Transport", url_path="transport"),
]
st.session_state.entered = True
st.navigation(pages, position="top").run()
