"""A page with two galleries, for their tests."""

import streamlit as st

from rkdiff.ui.gallery import gallery

st.set_page_config(layout="wide")
chosen = st.session_state.setdefault("chosen", "two_moons")
gallery(chosen, lambda name: st.session_state.update(chosen=name))
st.text(f"chosen={st.session_state.chosen}")
gallery("communities", lambda name: None, key="some", kinds=("graphs", "curves"))
